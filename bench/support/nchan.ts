import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findInPath, freePort } from '../../test/support/services.ts'
import { eventFrame, seqOf } from './event-frame.ts'
import { Measured } from './measured.ts'
import type { Peer } from './peers.ts'
import { RawSocket } from './raw-socket.ts'
import type { Stage } from './stage.ts'

const MODULE = 'ngx_nchan_module.so'
const moduleFolders = ['/usr/share/nginx/modules', '/usr/lib/nginx/modules', '/usr/local/nginx/modules']

const config = (folder: string, port: number, redisUrl: string) => `
load_module modules/${MODULE};
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 20000; }
http {
  access_log off; client_body_temp_path ${folder}/body; nchan_message_timeout 60s; keepalive_requests 100000000;
  upstream redis { nchan_redis_server ${redisUrl}; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /ready { return 204; }
    location ~ ^/pub/(.+)$ { nchan_publisher; nchan_channel_id $1; nchan_redis_pass redis; }
    location ~ ^/sub/(.+)$ { nchan_subscriber websocket; nchan_channel_id $1; nchan_redis_pass redis; }
  }
}`

/** nginx with nchan and Redis: what C does. Undefined where it is not installed. */
export async function startNchan(stage: Stage): Promise<Peer | undefined> {
  const command = findInPath('nginx') ?? findInPath('/usr/sbin/nginx')
  if (!command || !moduleFolders.some((folder) => existsSync(join(folder, MODULE)))) return undefined
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'bench-nchan-'))
  writeFileSync(join(folder, 'nginx.conf'), config(folder, port, stage.redisUrl))
  const args = ['-c', join(folder, 'nginx.conf')]
  const server = await Measured.start({ command, args, ready: { port, path: '/ready' } })
  const publisher = connect(port, '127.0.0.1')
  publisher.setNoDelay(true).resume()
  return {
    name: 'nchan (nginx, C) with Redis',
    server,
    usesRedis: true,
    async read(room, onSeq) {
      const socket = new RawSocket({
        port,
        path: `/sub/${room}`,
        onText(buffer, start, end) {
          const seq = seqOf(buffer, start, end)
          if (seq !== undefined) onSeq(seq)
        },
      })
      await socket.opened
      return socket
    },
    publish(room, seq) {
      const { frame } = eventFrame(room, seq)
      const head = `POST /pub/${room} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(frame)}\r\n\r\n`
      publisher.write(head + frame)
    },
    async end() {
      publisher.destroy()
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
