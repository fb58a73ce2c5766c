#define _GNU_SOURCE // dladdr
#include "probe.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

// The first two members of OrtApiBase, stable since ONNX Runtime 1.0.
struct api_base {
	const void *(*get_api)(uint32_t version);
	const char *(*get_version)(void);
};

// has_api asks for the API only where the version does not answer already: an
// older library prints a complaint of its own on stderr.
static int has_api(const struct api_base *base, const char *version, uint32_t api) {
	unsigned minor;
	if (sscanf(version, "1.%u", &minor) == 1 && minor < api) return 0;
	return base->get_api(api) != NULL;
}

static void ask(void *lib, uint32_t api, struct probe *out) {
	const struct api_base *(*entry)(void);
	const struct api_base *base;
	Dl_info where;

	*(void **)&entry = dlsym(lib, "OrtGetApiBase");
	out->outcome = PROBE_FOREIGN;
	if (entry == NULL) return;
	if (dladdr(*(void **)&entry, &where) != 0 && where.dli_fname != NULL)
		snprintf(out->path, sizeof out->path, "%s", where.dli_fname);
	base = entry();
	if (base == NULL) return;
	snprintf(out->version, sizeof out->version, "%s", base->get_version());
	out->outcome = has_api(base, out->version, api) ? PROBE_OK : PROBE_OLD;
}

void probe_library(const char *name, uint32_t api, struct probe *out) {
	void *lib;

	memset(out, 0, sizeof *out);
	snprintf(out->path, sizeof out->path, "%s", name);
	lib = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
	if (lib == NULL) {
		const char *problem = dlerror();
		out->outcome = PROBE_MISSING;
		snprintf(out->problem, sizeof out->problem, "%s", problem ? problem : "unknown error");
		return;
	}
	ask(lib, api, out);
	dlclose(lib);
}

// Places of functions in struct OrtApi, which only ever grows at its end.
enum { GET_AVAILABLE_PROVIDERS = 125, RELEASE_AVAILABLE_PROVIDERS = 126, RELEASE_STATUS = 93 };

static void copy_providers(void *const *api, struct providers *out) {
	void *(*get)(char ***, int *);
	void *(*release)(char **, int);
	void (*release_status)(void *);
	char **names = NULL;
	int n = 0;
	void *status;

	*(void **)&get = api[GET_AVAILABLE_PROVIDERS];
	*(void **)&release = api[RELEASE_AVAILABLE_PROVIDERS];
	*(void **)&release_status = api[RELEASE_STATUS];
	status = get(&names, &n);
	if (status != NULL) {
		release_status(status);
		return;
	}
	out->count = n < MAX_PROVIDERS ? n : MAX_PROVIDERS;
	for (int i = 0; i < out->count; i++)
		snprintf(out->names[i], sizeof out->names[i], "%s", names[i]);
	status = release(names, n);
	if (status != NULL) release_status(status);
}

void list_providers(const char *path, uint32_t api, struct providers *out) {
	const struct api_base *(*entry)(void);
	const struct api_base *base;
	const void *table;
	void *lib;

	memset(out, 0, sizeof *out);
	out->count = -1;
	lib = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
	if (lib == NULL) return;
	*(void **)&entry = dlsym(lib, "OrtGetApiBase");
	if (entry != NULL && (base = entry()) != NULL && (table = base->get_api(api)) != NULL)
		copy_providers((void *const *)table, out);
	dlclose(lib);
}

#ifdef PROBE_MAIN // .ci/setup compiles this file alone: probe API LIBRARY...
#include <stdlib.h>

int main(int argc, char **argv) {
	static struct probe p;
	for (int i = 2; i < argc; i++) {
		probe_library(argv[i], (uint32_t)atoi(argv[1]), &p);
		if (p.outcome == PROBE_OK) {
			printf("%s %s\n", p.version, p.path);
			return 0;
		}
		if (p.outcome == PROBE_OLD)
			fprintf(stderr, "passed over %s: ONNX Runtime %s is too old, 1.%s or newer is needed\n", p.path, p.version, argv[1]);
		if (p.outcome == PROBE_FOREIGN)
			fprintf(stderr, "passed over %s: not ONNX Runtime (it has no OrtGetApiBase)\n", p.path);
		if (p.outcome == PROBE_MISSING && strchr(argv[i], '/') != NULL)
			fprintf(stderr, "passed over %s: %s\n", p.path, p.problem);
	}
	return 1;
}
#endif
