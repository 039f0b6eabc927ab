// A client that others wrote, npm's xen-api, against a running simulator: log in, fill the object cache from events,
// wait for an Async VM.pool_migrate, and see the cache follow. Usage: node client.mjs http://user:password@host:port
import assert from 'node:assert/strict'
import { createClient } from 'xen-api'

const [url] = process.argv.slice(2)
const xapi = createClient({ url, allowUnauthorized: true, debounce: 20 })

async function eventually(condition, what) {
  const deadline = Date.now() + 10_000
  while (!condition()) {
    assert.ok(Date.now() < deadline, `not in time: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

await xapi.connect()
await xapi.objectsFetched
const objects = Object.values(xapi.objects.all)
const hosts = objects.filter(o => o.$type === 'host')
const guests = objects.filter(
  o => o.$type === 'VM' && o.power_state === 'Running' && !o.is_control_domain && !o.is_a_template
)
assert.ok(hosts.length > 1 && guests.length > 1, 'the cache holds hosts and guests')
assert.equal(typeof guests[0].memory_static_max, 'number', 'integers are numbers over JSON-RPC')
console.log(`cache: ${objects.length} objects, ${hosts.length} hosts, ${guests.length} running guests`)

let moved
for (const vm of guests) {
  const target = hosts.find(host => host.$ref !== vm.resident_on)
  try {
    await xapi.call('VM.assert_operation_valid', vm.$ref, 'pool_migrate')
    await xapi.call('VM.assert_can_boot_here', vm.$ref, target.$ref)
  } catch (error) {
    assert.match(error.code, /^[A-Z_]+$/, 'a refusal has a code')
    continue
  }
  await xapi.callAsync('VM.pool_migrate', vm.$ref, target.$ref, { live: 'true' })
  moved = { vm, target }
  break
}
assert.ok(moved, 'some guest may move')
await eventually(
  () => xapi.getObject(moved.vm.$ref).resident_on === moved.target.$ref,
  'the cache shows the VM on its new host'
)
console.log(`moved: ${moved.vm.name_label} to ${moved.target.name_label}`)

const blocked = guests.find(vm => vm.blocked_operations.pool_migrate !== undefined)
if (blocked !== undefined) {
  const elsewhere = hosts.find(host => host.$ref !== blocked.resident_on)
  await assert.rejects(xapi.callAsync('VM.pool_migrate', blocked.$ref, elsewhere.$ref, {}), { code: 'OPERATION_BLOCKED' })
  console.log(`refused: ${blocked.name_label} with OPERATION_BLOCKED`)
}
await xapi.disconnect()
process.exit(0)
