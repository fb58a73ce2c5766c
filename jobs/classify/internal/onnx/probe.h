#ifndef SHARDMILL_ONNX_PROBE_H
#define SHARDMILL_ONNX_PROBE_H

#include <stdint.h>

enum { PROBE_OK, PROBE_MISSING, PROBE_FOREIGN, PROBE_OLD };

struct probe {
	int outcome;        // one of PROBE_*
	char path[4096];    // the file that the loader opened
	char version[64];   // as the library reports it
	char problem[1024]; // the loader's words, when outcome is PROBE_MISSING
};

// probe_library opens the shared library called name (a path, or a bare name for
// the system's loader to find), asks it for its version and whether it has the
// given API, and closes it again.
void probe_library(const char *name, uint32_t api, struct probe *out);

#endif
