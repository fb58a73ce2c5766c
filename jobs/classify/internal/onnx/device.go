package onnx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strconv"
	"strings"

	ort "github.com/yalue/onnxruntime_go"
)

// Device says what runs a model: the CPU, or one of the runtime's execution
// providers for accelerators. The zero value is the CPU.
type Device struct {
	name  string // key of providers; "" for the CPU
	index int    // which one of several GPUs
}

// provider is an execution provider other than the CPU's.
type provider struct {
	name    string   // as the runtime lists it
	systems []string // GOOS where it exists
	library string   // shared library beside the runtime, "" where it is built in
	driver  string   // shared library of the driver, "" for none
	numbers bool     // several devices, told apart by a number
	get     string   // where a runtime with it comes from
	attach  func(o *ort.SessionOptions, index int) error
}

// sharedLibrary must lie beside the runtime too, where a provider is a library of its own.
const sharedLibrary = "libonnxruntime_providers_shared.so"

const gpuBuild = "onnxruntime-linux-x64-gpu of ONNX Runtime's releases"

// providers returns what each name of a device stands for.
func providers() map[string]provider {
	return map[string]provider{
		"cuda": {
			name: "CUDAExecutionProvider", systems: []string{"linux"}, library: "libonnxruntime_providers_cuda.so",
			driver: "libcuda.so.1", numbers: true, get: gpuBuild, attach: attachCUDA,
		},
		"tensorrt": {
			name: "TensorrtExecutionProvider", systems: []string{"linux"}, library: "libonnxruntime_providers_tensorrt.so",
			driver: "libcuda.so.1", numbers: true, get: gpuBuild, attach: attachTensorRT,
		},
		"openvino": {
			name: "OpenVINOExecutionProvider", systems: []string{"linux"}, library: "libonnxruntime_providers_openvino.so",
			get:    "the Python package onnxruntime-openvino, folder onnxruntime/capi",
			attach: func(o *ort.SessionOptions, _ int) error { return o.AppendExecutionProviderOpenVINO(nil) },
		},
		"coreml": {
			name: "CoreMLExecutionProvider", systems: []string{"darwin"}, get: "ONNX Runtime's releases for macOS",
			attach: func(o *ort.SessionOptions, _ int) error { return o.AppendExecutionProviderCoreMLV2(nil) },
		},
	}
}

// ParseDevice reads "cpu", "cuda", "cuda:1", "tensorrt", "tensorrt:1", "openvino"
// or "coreml". An empty text is the CPU.
func ParseDevice(text string) (Device, error) {
	if text == "" || text == "cpu" {
		return Device{}, nil
	}
	name, number, numbered := strings.Cut(text, ":")
	p, ok := providers()[name]
	if !ok {
		return Device{}, fmt.Errorf("%q: cpu, cuda, cuda:N, tensorrt, tensorrt:N, openvino or coreml", text)
	}
	if !numbered {
		return Device{name: name}, nil
	}
	n, err := strconv.ParseUint(number, 10, 8)
	if err != nil || !p.numbers {
		return Device{}, fmt.Errorf("%q: a number from 0 to 255 may follow cuda: and tensorrt: only", text)
	}
	return Device{name: name, index: int(n)}, nil
}

// IsCPU tells whether no accelerator is asked for.
func (d Device) IsCPU() bool { return d.name == "" }

// String is what [ParseDevice] reads; equal devices have equal texts.
func (d Device) String() string {
	switch {
	case d.name == "":
		return "cpu"
	case d.index > 0:
		return d.name + ":" + strconv.Itoa(d.index)
	}
	return d.name
}

// DeviceError reports that a device cannot be used here.
type DeviceError struct {
	Device  Device
	Problem string // what is missing
	Advice  string // what to do
	Err     error  // the library's words, nil where it was not asked
}

// Error names what is missing and what to do.
func (e *DeviceError) Error() string {
	text := fmt.Sprintf("--device %s: %s", e.Device, e.Problem)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text + "; " + e.Advice + ", or use --device cpu"
}

// Unwrap returns the library's error.
func (e *DeviceError) Unwrap() error { return e.Err }

// Check finds out, without a model, whether the device can be used with the
// library. What is missing is a [*DeviceError].
func (d Device) Check(rt Runtime) error {
	if d.IsCPU() {
		return nil
	}
	built, err := Providers(rt)
	if err != nil {
		return &DeviceError{Device: d, Problem: "the runtime cannot be asked for its providers", Err: err, Advice: "set " + EnvLibrary + " to another"}
	}
	return d.check(rt, built, goruntime.GOOS)
}

// check is Check for a library that was built with the providers given.
func (d Device) check(rt Runtime, built []string, goos string) error {
	p := providers()[d.name]
	if !slices.Contains(p.systems, goos) {
		return &DeviceError{Device: d, Problem: fmt.Sprintf("not built for %s, only for %s", goos, strings.Join(p.systems, ", ")), Advice: "run it there"}
	}
	if !slices.Contains(built, p.name) {
		return &DeviceError{
			Device:  d,
			Problem: fmt.Sprintf("ONNX Runtime %s (%s) was built without %s; it has %s", rt.Version, rt.Path, p.name, strings.Join(built, ", ")),
			Advice:  fmt.Sprintf("set %s to a build that has it: %s", EnvLibrary, p.get),
		}
	}
	if err := d.findLibraries(p, rt); err != nil {
		return err
	}
	if p.driver == "" {
		return nil
	}
	if found := probe(p.driver); found.outcome == missing {
		return &DeviceError{Device: d, Problem: fmt.Sprintf("the driver's library %s cannot be loaded: %s", p.driver, found.problem), Advice: "install the NVIDIA driver"}
	}
	return nil
}

// findLibraries looks for the libraries of the provider beside the runtime, where it loads them from.
func (d Device) findLibraries(p provider, rt Runtime) error {
	if p.library == "" {
		return nil
	}
	for _, name := range []string{sharedLibrary, p.library} {
		if !rt.beside(name) {
			return &DeviceError{
				Device:  d,
				Problem: fmt.Sprintf("the provider's library %s is not beside ONNX Runtime in %s", name, filepath.Dir(rt.Path)),
				Advice:  fmt.Sprintf("put the libraries of ONNX Runtime %s there (%s)", rt.Version, p.get),
			}
		}
	}
	return nil
}

// beside tells whether a file is in the folder of the library, or in that of the file it is a link to.
func (r Runtime) beside(name string) bool {
	paths := []string{r.Path}
	if real, err := filepath.EvalSymlinks(r.Path); err == nil {
		paths = append(paths, real)
	}
	return slices.ContainsFunc(paths, func(path string) bool {
		_, err := os.Stat(filepath.Join(filepath.Dir(path), name))
		return err == nil
	})
}

// noFallback keeps the runtime from running on the CPU what the device cannot.
const noFallback = "session.disable_cpu_ep_fallback"

// use makes sessions with these options run on the device and nowhere else.
func (d Device) use(o *ort.SessionOptions) error {
	if d.IsCPU() {
		return nil
	}
	p := providers()[d.name]
	if err := p.attach(o, d.index); err != nil {
		return &DeviceError{
			Device: d, Problem: p.name + " does not start, as when a library that it needs or the device is missing", Err: root(err),
			Advice: "install what is named there",
		}
	}
	if err := o.AddSessionConfigEntry(noFallback, "1"); err != nil {
		return fmt.Errorf("ONNX Runtime options: %w", root(err))
	}
	return nil
}

// refused is the error of a model that does not load.
func (d Device) refused(path string, err error) error {
	if d.IsCPU() {
		return fmt.Errorf("model %s: cannot be loaded: %w", path, root(err))
	}
	return &DeviceError{
		Device: d, Problem: fmt.Sprintf("model %s cannot be loaded there as a whole, and no part of it may fall back to the CPU", path), Err: root(err),
		Advice: "change the model",
	}
}

func attachCUDA(o *ort.SessionOptions, index int) (err error) {
	cuda, err := ort.NewCUDAProviderOptions()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cuda.Destroy()) }()
	if err := cuda.Update(map[string]string{"device_id": strconv.Itoa(index)}); err != nil {
		return err
	}
	return o.AppendExecutionProviderCUDA(cuda)
}

func attachTensorRT(o *ort.SessionOptions, index int) (err error) {
	rt, err := ort.NewTensorRTProviderOptions()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rt.Destroy()) }()
	if err := rt.Update(map[string]string{"device_id": strconv.Itoa(index)}); err != nil {
		return err
	}
	return o.AppendExecutionProviderTensorRT(rt)
}
