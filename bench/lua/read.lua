-- Reads payments by ids taken at random from a file, one a line. Argument: the file.
require("figures")

local threads = 0
function setup(thread)
    thread:set("number", threads)
    threads = threads + 1
end

local ids = {}
function init(args)
    for id in io.lines(args[1]) do
        ids[#ids + 1] = id
    end
    math.randomseed(os.time() * 64 + number)
end

function request()
    return wrk.format(nil, "/api/v1/payments/" .. ids[math.random(#ids)])
end
