-- Tells a write in the feed. Comes before the write itself: a script that fails halfway is not undone, and a change told
-- in vain does no harm.
local function tell(revision_key, changes, kind, id, length)
  local revision = redis.call('INCR', revision_key)
  -- The number may have been lost where the feed was not, when the server evicts keys.
  local last = redis.call('XREVRANGE', changes, '+', '-', 'COUNT', 1)[1]
  local told = last and tonumber(string.match(last[1], '^%d+')) or 0
  if revision <= told then
    revision = told + 1
    redis.call('SET', revision_key, string.format('%.0f', revision))
  end
  redis.call('XADD', changes, 'MAXLEN', '~', length, string.format('%.0f-0', revision), 'kind', kind, 'id', id)
end
