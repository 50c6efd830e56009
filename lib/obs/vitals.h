// What every process tells of itself, under the names that Prometheus' own clients use: CPU time,
// memory, descriptors, when it began (/proc/self, read at each print), what it is, and how many
// lines it has logged.
#pragma once

// Registers them; version is static storage. Once a process.
void vitals_begin(const char *version);
