-- Books rows of one client key with their sums: all of them when each is new, otherwise none.
-- KEYS: books, order
-- ARGV: in MessagePack {{name, row, …}, {{group, {span, …}, {amount, …}}, …}}: what is to be added to a group's sums in spans
-- Answers the numbers, from 0, of rows that are booked already
local books, order = KEYS[1], KEYS[2]
local rows, groups = unpack(cmsgpack.unpack(ARGV[1]))

local names, members, booked = {}, {}, {}
for at = 1, #rows, 2 do
  names[#names + 1] = rows[at]
  members[#members + 1], members[#members + 2] = 0, rows[at]
end
for at, found in ipairs(redis.call('HMGET', books, unpack(names))) do
  if found then booked[#booked + 1] = at - 1 end
end
if #booked > 0 then return booked end

local fields, amounts = {}, {}
for _, told in ipairs(groups) do
  for _, span in ipairs(told[2]) do
    fields[#fields + 1] = span .. told[1]
    amounts[#fields] = told[3]
  end
end
for at, found in ipairs(redis.call('HMGET', books, unpack(fields))) do
  local sums = found and cmsgpack.unpack(found) or {}
  for place, amount in ipairs(amounts[at]) do
    local stands = sums[place] or 0
    sums[place] = amount == 0 and stands or flat(plus(whole(stands), whole(amount)))
  end
  rows[#rows + 1], rows[#rows + 2] = fields[at], cmsgpack.pack(sums)
  if not found then members[#members + 1], members[#members + 2] = 0, fields[at] end
end
redis.call('HSET', books, unpack(rows))
redis.call('ZADD', order, unpack(members))
return {}
