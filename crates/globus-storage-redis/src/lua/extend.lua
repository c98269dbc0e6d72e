-- Lets a lease last for its whole time again, if this holder still has it.
-- KEYS: the lease. ARGV: the holder, the time in milliseconds.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
