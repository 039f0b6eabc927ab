// Statistics as Xen Orchestra asks for them, by npm's xen-api: the clock of a host, then its /rrd_updates through
// getResource, which makes a task for each request. Usage: node statistics.mjs http://user:password@host
// Hosts have to listen at the scheme's own port: getResource knows no other.
import assert from 'node:assert/strict'
import JSON5 from 'json5'
import { createClient } from 'xen-api'

const POINTS = { 5: 120, 60: 120, 3600: 168, 86400: 366 }
const [url] = process.argv.slice(2)
const xapi = createClient({ url, allowUnauthorized: true, debounce: 20 })

function secondsOf(time) {
  const [, year, month, day, rest] = /^(\d{4})-?(\d\d)-?(\d\d)T(.*)$/.exec(time)
  return Math.floor(Date.parse(`${year}-${month}-${day}T${rest}`) / 1000)
}

// {owner: {uuid: {source: values, oldest first}}} of a host and what is on it.
async function statistics(host, step) {
  const now = secondsOf(await xapi.call('host.get_servertime', host.$ref))
  const start = now - step * POINTS[step] + step
  const query = { cf: 'AVERAGE', host: 'true', interval: step, json: 'true', start }
  const response = await xapi.getResource('/rrd_updates', { host, query })
  const { data, meta } = JSON5.parse(await response.body.text())
  const rows = data ?? meta.data
  assert.equal(Number(meta.step), step, 'the step is the one that was asked for')
  assert.ok(rows.length >= POINTS[step] - 2 && rows.length <= POINTS[step], `${rows.length} rows of ${step} s`)
  const found = { host: {}, vm: {} }
  meta.legend.forEach((entry, column) => {
    const [, owner, uuid, source] = /^AVERAGE:([^:]+):(.+):(.+)$/.exec(entry)
    const sources = (found[owner][uuid] ??= {})
    sources[source] = rows.map(row => Number(row.values[column])).reverse()
  })
  return found
}

await xapi.connect()
await xapi.objectsFetched
const objects = Object.values(xapi.objects.all)
const hosts = objects.filter(o => o.$type === 'host')
const storage = new Set()
for (const host of hosts) {
  for (const step of Object.keys(POINTS).map(Number)) {
    const found = await statistics(host, step)
    const own = found.host[host.uuid]
    for (const source of ['loadavg', 'memory_free_kib', 'memory_total_kib', 'cpu0', 'pif_eth0_rx', 'pif_eth0_tx']) {
      assert.ok(own[source].some(value => value >= 0), `${source} of ${host.name_label} at ${step} s`)
    }
    for (const source of Object.keys(own)) {
      const match = /^(iops|io_throughput)_(read|write)_(\w+)$/.exec(source)
      if (match !== null) {
        storage.add(match[3])
      }
    }
    const guests = objects.filter(o => o.$type === 'VM' && o.resident_on === host.$ref && !o.is_control_domain)
    for (const { uuid, name_label: name } of guests) {
      for (const source of ['cpu0', 'memory', 'memory_internal_free', 'vif_0_rx', 'vbd_xvda_iops_read']) {
        assert.ok(found.vm[uuid][source].some(value => value >= 0), `${source} of ${name} at ${step} s`)
      }
    }
  }
}
const known = new Set(objects.filter(o => o.$type === 'SR').map(o => o.uuid.slice(0, 8)))
assert.ok(storage.size > 0 && [...storage].every(short => known.has(short)), 'SRs go by the start of their uuid')
const deadline = Date.now() + 10_000
while ((await xapi.call('task.get_all')).length > 0) {
  assert.ok(Date.now() < deadline, 'the tasks of all requests have ended, and are destroyed')
  await new Promise(resolve => setTimeout(resolve, 50))
}
console.log(`statistics: ${hosts.length} hosts at ${Object.keys(POINTS).length} steps, ${storage.size} SRs`)
await xapi.disconnect()
process.exit(0)
