-- Prints what wrk measured as one line of JSON.
function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        '\n{"rate":%.3f,"p50_ms":%.4f,"p99_ms":%.4f,"max_ms":%.4f,"requests":%d,' ..
        '"failed":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}\n',
        (summary.requests - errors.status) / summary.duration * 1e6, latency:percentile(50) / 1e3,
        latency:percentile(99) / 1e3, latency.max / 1e3, summary.requests,
        errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
