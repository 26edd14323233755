-- Books rows of one client key with their sums: all of them when each is new, otherwise none.
-- KEYS: rows, order, then the spans and the sums
-- ARGV: number of rows; `<request>:<attempt>` and JSON of each;
--       then for each roll-up: number of the spans' key, number of the sums' key, the span's start,
--       number of sums, then field and amount of each
-- Answers the numbers, from 0, of rows that are booked already
local rows, order = KEYS[1], KEYS[2]
local count = tonumber(ARGV[1])

local function add(key, field, amount)
  local done = redis.pcall('HINCRBY', key, field, amount)
  if type(done) == 'table' and done.err then
    if not string.find(done.err, 'overflow') then error(done.err) end
    local most = string.sub(amount, 1, 1) == '-' and '-9223372036854775808' or '9223372036854775807'
    redis.call('HSET', key, field, most)
  end
end

local booked = {}
for row = 0, count - 1 do
  if redis.call('HEXISTS', rows, ARGV[2 + 2 * row]) == 1 then booked[#booked + 1] = row end
end
if #booked > 0 then return booked end

for row = 0, count - 1 do
  redis.call('HSET', rows, ARGV[2 + 2 * row], ARGV[3 + 2 * row])
  redis.call('ZADD', order, 0, ARGV[2 + 2 * row])
end
local at = 2 + 2 * count
while at <= #ARGV do
  redis.call('ZADD', KEYS[tonumber(ARGV[at])], ARGV[at + 2], ARGV[at + 2])
  local sums = KEYS[tonumber(ARGV[at + 1])]
  local last = at + 3 + 2 * tonumber(ARGV[at + 3])
  for field = at + 4, last, 2 do add(sums, ARGV[field], ARGV[field + 1]) end
  at = last + 1
end
return {}
