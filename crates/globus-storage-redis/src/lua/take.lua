-- Takes a lease that nobody else holds, and the next fencing number with it.
-- KEYS: the lease, the last fencing number of the storage. ARGV: the holder, the time in milliseconds.
-- Answers the fencing number, or the holder. A holder that asks again, because the answer got lost, has it.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return holder
end
-- The number grows by itself; the clock keeps it growing where the server forgot the last one.
local time = redis.call('TIME')
local last = tonumber(redis.call('GET', KEYS[2]) or 0) or 0
local fencing = string.format('%.0f', math.max(last + 1, time[1] * 1000000 + time[2]))
redis.call('SET', KEYS[2], fencing)
if holder then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
end
return tonumber(fencing)
