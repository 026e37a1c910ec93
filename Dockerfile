FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Optional packages stay, since argon2 has its binaries among them; but not the second Node that comes that way, nor the
# compiler, which npm keeps because valibot may have one beside it.
RUN npm ci --omit=dev && rm -rf node_modules/node-linux-* node_modules/typescript node_modules/@typescript node_modules/.bin

FROM node:24.21.0-bookworm-slim AS pages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json build-dashboard.ts ./
COPY src ./src
RUN node build-dashboard.ts

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 DATA_DIR=/data
WORKDIR /app
RUN mkdir /data && chown node:node /data
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY migrations ./migrations
COPY src ./src
COPY --from=pages /app/dist/dashboard ./dist/dashboard
COPY --from=pages /app/dist/swagger-ui ./dist/swagger-ui
# The image's user `node`, as a number: Kubernetes cannot tell by a name that it is not root.
USER 1000:1000
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself, so that SIGTERM reaches the server.
CMD ["node", "--max-semi-space-size=16", "--max-old-space-size=1024", "src/main.ts"]
