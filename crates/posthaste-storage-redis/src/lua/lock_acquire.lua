-- KEYS: lock
-- ARGV: holder, now, end, the least number, milliseconds to keep the key
-- Answers the fence, or nothing while another holder has the lock
local held = redis.call('HMGET', KEYS[1], 'holder', 'until', 'fence')
local fence = held[3]
if held[1] and tonumber(held[2]) > tonumber(ARGV[2]) then
  if held[1] ~= ARGV[1] then return false end
else
  -- Never below the clock, so that numbers grow even when the store has lost the last one.
  fence = string.format('%.0f', math.max(tonumber(fence or '0') + 1, tonumber(ARGV[4])))
end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', ARGV[3], 'fence', fence)
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[5]) then redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
return fence
