/** The superuser that every server of the tests begins with. */
export const admin = { email: 'admin@example.org', password: 'correct horse' }
