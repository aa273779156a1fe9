// The BullMQ baseline: a job for each delivery, one Node process.
// `node deliver.mjs fill COUNT URL …` fills the queue; `node deliver.mjs work JOBS` drains it, so many jobs at a time.
// With PGHOST in the environment each job asks that database for the owner's right first and logs its attempt there.

import { createHmac, randomUUID } from 'node:crypto'
import { Queue, Worker } from 'bullmq'
import pg from 'pg'
import { Agent, request } from 'undici'

const SECRET = '0123456789abcdef0123456789abcdef'
const AT_ONCE = 1000
const CONNECTIONS = 32
const RIGHT = { name: 'right', text: 'SELECT 1 FROM member WHERE account = $1 AND company = $2' }
const LOG = { name: 'log', text: 'INSERT INTO attempt (delivery, duration, status) VALUES ($1, $2, $3)' }
const broker = new URL(process.env.BROKER)
const connection = { host: broker.hostname, port: Number(broker.port), maxRetriesPerRequest: null }
const [what, number, ...urls] = process.argv.slice(2)

async function fill(count) {
  const queue = new Queue('deliveries', { connection })
  const opts = { attempts: 9, backoff: { type: 'exponential', delay: 5000 }, removeOnComplete: !process.env.KEEP }
  for (let begin = 0; begin < count; begin += AT_ONCE) {
    const jobs = []
    for (let n = begin; n < Math.min(begin + AT_ONCE, count); n++) {
      const data = { url: urls[n % urls.length], id: randomUUID(), body: process.env.BODY, owner: n % 100, company: n % 10 }
      jobs.push({ name: 'deliver', data, opts })
    }
    await queue.addBulk(jobs)
  }
  await queue.close()
}

function work(concurrency) {
  const worker = new Agent({ connections: concurrency })
  const database = process.env.PGHOST && new pg.Pool({ max: CONNECTIONS })
  const deliver = async ({ data }) => {
    const begun = performance.now()
    if (database) {
      const { rowCount } = await database.query({ ...RIGHT, values: [data.owner, data.company] })
      if (!rowCount) return
    }
    const stamp = Math.floor(Date.now() / 1000).toString()
    const signature = createHmac('sha256', SECRET).update(`${data.id}.${stamp}.${data.body}`).digest('base64')
    const headers = {
      'content-type': 'application/json',
      'webhook-id': data.id,
      'webhook-timestamp': stamp,
      'webhook-signature': `v1,${signature}`,
    }
    const { statusCode, body } = await request(data.url, { method: 'POST', body: data.body, headers, worker })
    await body.dump()
    if (database) await database.query({ ...LOG, values: [data.id, performance.now() - begun, statusCode] })
    if (statusCode >= 300) throw new Error(`answered ${statusCode}`)
  }
  new Worker('deliveries', deliver, { connection, concurrency })
}

if (what === 'fill') await fill(Number(number))
else work(Number(number))
