-- Puts amounts of one client key's rows right, with the sums that they are in: all of them when each row is as it was, otherwise none.
-- KEYS: books
-- ARGV: in MessagePack {{name, before, after, …}, {{group, {span, …}, {amount, …}}, …}}: what is to be added to a group's sums in
--       spans, as far as those are kept
-- Answers the numbers, from 0, of rows that are not as they were
local books = KEYS[1]
local rows, groups = unpack(cmsgpack.unpack(ARGV[1]))

local names = {}
for at = 1, #rows, 3 do names[#names + 1] = rows[at] end
local others = {}
for at, found in ipairs(redis.call('HMGET', books, unpack(names))) do
  if found ~= rows[3 * at - 1] then others[#others + 1] = at - 1 end
end
if #others > 0 then return others end

local written, fields, amounts = {}, {}, {}
for at = 1, #rows, 3 do
  written[#written + 1], written[#written + 2] = rows[at], rows[at + 2]
end
for _, told in ipairs(groups) do
  for _, span in ipairs(told[2]) do
    fields[#fields + 1] = span .. told[1]
    amounts[#fields] = told[3]
  end
end
if #fields > 0 then
  for at, found in ipairs(redis.call('HMGET', books, unpack(fields))) do
    if found then
      local sums = cmsgpack.unpack(found)
      for place, amount in ipairs(amounts[at]) do
        local stands = sums[place] or 0
        sums[place] = amount == 0 and stands or flat(plus(whole(stands), whole(amount)))
      end
      written[#written + 1], written[#written + 2] = fields[at], cmsgpack.pack(sums)
    end
  end
end
redis.call('HSET', books, unpack(written))
return {}
