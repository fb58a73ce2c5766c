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

enum { MAX_PROVIDERS = 32, PROVIDER_NAME = 64 };

struct providers {
	int count; // -1 when the library would not tell
	char names[MAX_PROVIDERS][PROVIDER_NAME];
};

// list_providers asks the library at path, which probe_library found usable, which
// execution providers it was built with. It runs the library's code: do not ask
// a library that may be no ONNX Runtime in a process that must live on.
void list_providers(const char *path, uint32_t api, struct providers *out);

#endif
