package onnx

/*
#include <stdlib.h>
#include "probe.h"
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// Providers lists the execution providers that the library was built with, by its
// own names: "CPUExecutionProvider". Those of accelerators may need libraries and
// drivers besides. The library's code is run: a foreign one may end the process.
func Providers(rt Runtime) ([]string, error) {
	path := C.CString(rt.Path)
	defer C.free(unsafe.Pointer(path))
	var p C.struct_providers
	C.list_providers(path, minAPI, &p)
	if p.count < 0 {
		return nil, fmt.Errorf("ONNX Runtime %s: it does not say which execution providers it has", rt.Path)
	}
	list := make([]string, p.count)
	for i := range list {
		list[i] = C.GoString(&p.names[i][0])
	}
	return list, nil
}
