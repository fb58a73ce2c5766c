package onnx

import (
	"errors"
	"fmt"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// library is the one ONNX Runtime of this process. The C library and
// onnxruntime_go keep their state in globals, so its owner is one too.
var library owner

// owner counts the users of the loaded library: the first loads it, the last
// one unloads it.
type owner struct {
	mu     sync.Mutex
	loaded Runtime
	users  int
}

// active returns the loaded library, if there is one.
func (o *owner) active() (Runtime, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.loaded, o.users > 0
}

// acquire loads rt, or joins those who use it already.
func (o *owner) acquire(rt Runtime) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.users > 0 && rt.Path != o.loaded.Path {
		return fmt.Errorf("ONNX Runtime %s: this process already uses %s", rt.Path, o.loaded.Path)
	}
	if o.users == 0 {
		ort.SetSharedLibraryPath(rt.Path)
		if err := ort.InitializeEnvironment(); err != nil {
			return fmt.Errorf("ONNX Runtime %s: %w", rt.Path, root(err))
		}
		o.loaded = rt
	}
	o.users++
	return nil
}

// release ends one use.
func (o *owner) release() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.users--
	if o.users > 0 {
		return nil
	}
	if err := ort.DestroyEnvironment(); err != nil {
		return fmt.Errorf("ONNX Runtime %s: %w", o.loaded.Path, root(err))
	}
	return nil
}

// root drops onnxruntime_go's own prefixes ("Error creating C session from
// file: ...") and leaves what the library says.
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
