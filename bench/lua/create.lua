-- Creates payments, each under an idempotency key (random, as merchants' are) and an order of its own.
-- Argument: a number that no other run was given.
require("figures")

local threads = 0
function setup(thread)
    thread:set("number", threads)
    threads = threads + 1
end

local random, count, run = math.random, 0, nil
function init(args)
    run = string.format("%04x%02x", tonumber(args[1]), number)
    math.randomseed(os.time() * 1000 + tonumber(args[1]) * 10 + number)
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
end

function request()
    count = count + 1
    wrk.headers["Idempotency-Key"] = string.format("%08x-%04x-4%03x-%s-%06x%s", random(0, 0x7fffffff), random(0, 0xffff),
        random(0, 0xfff), string.sub(run, 1, 4), count, string.sub(run, 1, 6))
    return wrk.format(nil, nil, nil, '{"order_id":"order-' .. run .. "-" .. string.format("%08d", count) ..
        '","amount":50000,"currency":"INR","method":"upi","vpa":"success@upi"}')
end
