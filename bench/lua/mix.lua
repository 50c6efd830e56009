-- Nine reads of payments by ids taken at random from a file, one a line, and one that is created.
-- Arguments: the file, and a number that no other run was given.
require("figures")

local threads = 0
function setup(thread)
    thread:set("number", threads)
    threads = threads + 1
end

local ids, count, run = {}, 0, nil
local headers = {}
function init(args)
    for id in io.lines(args[1]) do
        ids[#ids + 1] = id
    end
    run = string.format("%04x%02x", tonumber(args[2]), number)
    math.randomseed(os.time() * 1000 + tonumber(args[2]) * 10 + number)
    for name, value in pairs(wrk.headers) do
        headers[name] = value
    end
    headers["Content-Type"] = "application/json"
end

function request()
    count = count + 1
    if count % 10 ~= 0 then
        return wrk.format("GET", "/api/v1/payments/" .. ids[math.random(#ids)])
    end
    local reference = string.format("mix-%d-%s-%08d", os.time(), run, count)
    headers["Idempotency-Key"] = reference
    return wrk.format("POST", "/api/v1/payments", headers, '{"order_id":"' .. reference ..
        '","amount":50000,"currency":"INR","method":"upi","vpa":"success@upi"}')
end
