-- KEYS: records of an hour
-- ARGV: the bound to begin below, client key (16 bytes), with how many records to stop, after a look at how many to stop
-- Answers the bound to go on below (empty at the end), then the newest records of the client key
local found, before, left = {''}, ARGV[1], tonumber(ARGV[4])
while true do
  local page = redis.call('ZREVRANGEBYLEX', KEYS[1], before, '-', 'LIMIT', 0, 100)
  if #page == 0 then return found end
  for _, record in ipairs(page) do
    if string.sub(record, 17, 32) == ARGV[2] then found[#found + 1] = record end
  end
  before, left = '(' .. page[#page], left - #page
  if #found > tonumber(ARGV[3]) or left <= 0 then
    found[1] = before
    return found
  end
end
