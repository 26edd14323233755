-- KEYS: trial of the account, health of the account
-- ARGV: relay, now, end, milliseconds to keep the key, which of its trials
-- Answers {1 when the trial is granted, 0 while another relay has it; what is known, as `HVALS` gives it}
local held = redis.call('HMGET', KEYS[1], 'holder', 'until')
local granted = 1
if held[1] and held[1] ~= ARGV[1] and tonumber(held[2]) > tonumber(ARGV[2]) then
  granted = 0
else
  redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'trial', ARGV[5], 'until', ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return {granted, redis.call('HVALS', KEYS[2])}
