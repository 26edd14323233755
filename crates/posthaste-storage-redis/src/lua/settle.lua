-- KEYS: leases, book, then a key for each counter that is settled
-- ARGV: lease, now, then two for each of those keys: counter, the truth
local leases, book = KEYS[1], KEYS[2]

sweep(leases, book, ARGV[2])
if not redis.call('ZSCORE', leases, ARGV[1]) then return 0 end

local reserved = {}
for _, entry in ipairs(release(leases, book, ARGV[1])) do
  if entry[1] ~= HELD then reserved[entry[2]] = entry[3] end
end
for at = 3, #KEYS do
  local counter, actual = ARGV[2 * at - 3], ARGV[2 * at - 2]
  local stands = redis.call('GET', KEYS[at])
  -- A window that has ended is forgotten and must not come back.
  if stands and reserved[counter] then
    local sum = plus(minus(parse(stands), parse(reserved[counter])), parse(actual))
    redis.call('SET', KEYS[at], text(sum), 'KEEPTTL')
    reserved[counter] = nil
  end
end
if redis.call('EXISTS', leases) == 0 then redis.call('DEL', book) end
return 1
