package onnx

/*
#cgo LDFLAGS: -ldl
#include <stdlib.h>
#include "probe.h"
*/
import "C"

import (
	"fmt"
	"os"
	"path/filepath"
	"unsafe"
)

// minAPI is the version of ONNX Runtime's C API that onnxruntime_go is built
// against; ONNX Runtime 1.N brings API N.
const minAPI = 24

// outcome says what became of opening a library.
type outcome int

const (
	usable  = outcome(C.PROBE_OK)
	missing = outcome(C.PROBE_MISSING)
	foreign = outcome(C.PROBE_FOREIGN)
	tooOld  = outcome(C.PROBE_OLD)
)

// probed is what opening a library told.
type probed struct {
	outcome outcome
	path    string // the file that was opened
	version string // "1.27.0"
	problem string // the loader's words when missing
}

// probe opens the library called name, a path or a bare name for the system's
// loader, looks at its version and closes it.
func probe(name string) probed {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	var p C.struct_probe
	C.probe_library(cname, minAPI, &p)
	return probed{
		outcome: outcome(p.outcome),
		path:    C.GoString(&p.path[0]),
		version: C.GoString(&p.version[0]),
		problem: C.GoString(&p.problem[0]),
	}
}

// there reports whether a library that cannot be used is worth a message: the
// loader opened it, or name is a path to something.
func (p probed) there(name string) bool {
	if p.outcome != missing {
		return true
	}
	if !filepath.IsAbs(name) {
		return false
	}
	_, err := os.Stat(name)
	return err == nil
}

// verdict says in words why the library cannot be used.
func (p probed) verdict() string {
	switch p.outcome {
	case tooOld:
		return fmt.Sprintf("%s: ONNX Runtime %s is too old, 1.%d or newer is needed", p.path, p.version, minAPI)
	case foreign:
		return p.path + ": not ONNX Runtime (it has no OrtGetApiBase)"
	case missing:
		return p.problem
	}
	return fmt.Sprintf("%s: ONNX Runtime %s", p.path, p.version)
}
