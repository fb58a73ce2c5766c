package onnx

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseDevice(t *testing.T) {
	for text, want := range map[string]string{
		"": "cpu", "cpu": "cpu", "cuda": "cuda", "cuda:0": "cuda", "cuda:1": "cuda:1", "tensorrt:12": "tensorrt:12",
		"openvino": "openvino", "coreml": "coreml",
	} {
		d, err := ParseDevice(text)
		if err != nil || d.String() != want || d.IsCPU() != (want == "cpu") {
			t.Errorf("%q: %v, %v, want %s", text, d, err, want)
		}
	}
	for _, text := range []string{"gpu", "CUDA", "cpu:0", "cuda:", "cuda:-1", "cuda:256", "cuda:x", "openvino:1", "coreml:0", " cuda", ":1"} {
		if d, err := ParseDevice(text); err == nil {
			t.Errorf("%q accepted as %v", text, d)
		}
	}
}

// runtimeWith makes an empty file that stands for a runtime, with the files given beside it.
func runtimeWith(t *testing.T, beside ...string) Runtime {
	t.Helper()
	dir := t.TempDir()
	for _, name := range append(beside, "libonnxruntime.so.1") {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Runtime{Path: filepath.Join(dir, "libonnxruntime.so.1"), Version: "1.24.0"}
}

func TestDeviceSaysWhatIsMissing(t *testing.T) {
	const cpu, cuda, openvino, coreml = "CPUExecutionProvider", "CUDAExecutionProvider", "OpenVINOExecutionProvider", "CoreMLExecutionProvider"
	for _, tt := range []struct {
		device, goos string
		built        []string
		beside       []string
		want         string // "" for nothing
	}{
		{"coreml", "linux", []string{cpu}, nil, "--device coreml: not built for linux, only for darwin; run it there, or use --device cpu"},
		{"cuda", "darwin", []string{cpu, cuda}, nil, "not built for darwin, only for linux"},
		{"cuda", "linux", []string{cpu}, nil, "was built without CUDAExecutionProvider; it has CPUExecutionProvider; set ONNXRUNTIME_LIB"},
		{"cuda:1", "linux", []string{cpu, cuda}, nil, "--device cuda:1: the provider's library libonnxruntime_providers_shared.so is not beside ONNX Runtime in "},
		{"cuda", "linux", []string{cpu, cuda}, []string{"libonnxruntime_providers_shared.so"}, "libonnxruntime_providers_cuda.so is not beside"},
		{"openvino", "linux", []string{openvino}, []string{"libonnxruntime_providers_shared.so"}, "libonnxruntime_providers_openvino.so is not beside"},
		{"openvino", "linux", []string{openvino}, []string{"libonnxruntime_providers_shared.so", "libonnxruntime_providers_openvino.so"}, ""},
		{"coreml", "darwin", []string{coreml}, nil, ""},
	} {
		d, err := ParseDevice(tt.device)
		if err != nil {
			t.Fatal(err)
		}
		err = d.check(runtimeWith(t, tt.beside...), tt.built, tt.goos)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.device, err)
			}
			continue
		}
		var missing *DeviceError
		if !errors.As(err, &missing) || !strings.Contains(err.Error(), tt.want) || !strings.HasSuffix(err.Error(), "or use --device cpu") {
			t.Errorf("%s on %s: error %v, want %q", tt.device, tt.goos, err, tt.want)
		}
	}
}

func TestDeviceNamesTheDriver(t *testing.T) {
	if probe("libcuda.so.1").outcome != missing {
		t.Skip("an NVIDIA driver is here")
	}
	rt := runtimeWith(t, "libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so")
	err := Device{name: "cuda"}.check(rt, []string{"CUDAExecutionProvider"}, "linux")
	if err == nil || !strings.Contains(err.Error(), "the driver's library libcuda.so.1 cannot be loaded") || !strings.Contains(err.Error(), "install the NVIDIA driver") {
		t.Errorf("error %v", err)
	}
}

// A link to the runtime in another folder is followed.
func TestDeviceLooksBehindLinks(t *testing.T) {
	rt := runtimeWith(t, "libonnxruntime_providers_shared.so", "libonnxruntime_providers_openvino.so")
	link := filepath.Join(t.TempDir(), "libonnxruntime.so.1")
	if err := os.Symlink(rt.Path, link); err != nil {
		t.Fatal(err)
	}
	rt.Path = link
	if err := (Device{name: "openvino"}).check(rt, []string{"OpenVINOExecutionProvider"}, "linux"); err != nil {
		t.Error(err)
	}
}

func TestProviders(t *testing.T) {
	list, err := Providers(needRuntime(t))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(list, "CPUExecutionProvider") {
		t.Errorf("providers %q", list)
	}
	if _, err := Providers(Runtime{Path: "/nowhere/libonnxruntime.so.1"}); err == nil {
		t.Error("a library that is not there has providers")
	}
	if _, err := Providers(Runtime{Path: fakeLibrary(t, "libnew.so", "1.99.0")}); err == nil {
		t.Error("a library without the API has providers")
	}
}

// A device that is not there is an error of ours, and never the CPU instead.
func TestOpenOnDevices(t *testing.T) {
	rt := needRuntime(t)
	path := echoModel(t, 1, -1, 4)
	for name := range providers() {
		t.Run(name, func(t *testing.T) {
			d := Device{name: name}
			if d.Check(rt) == nil {
				t.Skip("this machine has it, or all of it but the device")
			}
			_, err := Open(rt, path, Options{Device: d})
			if !errors.As(err, new(*DeviceError)) {
				t.Errorf("Open: %v", err)
			}
			_, err = Replay(rt, path, d, nil, nil, 0)
			if !errors.As(err, new(*DeviceError)) {
				t.Errorf("Replay: %v", err)
			}
		})
	}
	if _, loaded := library.active(); loaded {
		t.Error("a failed Open keeps the library")
	}
}

// The library's own refusal, where it was built with a provider whose libraries are not there, comes with ours.
func TestProviderThatDoesNotStart(t *testing.T) {
	rt := needRuntime(t)
	built, err := Providers(rt)
	if err != nil {
		t.Fatal(err)
	}
	d := Device{name: "cuda"}
	if !slices.Contains(built, "CUDAExecutionProvider") || d.Check(rt) == nil {
		t.Skip("needs a runtime built with CUDA on a machine without it")
	}
	if err := library.acquire(rt); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := library.release(); err != nil {
			t.Error(err)
		}
	}()
	opts, err := sessionOptions(1, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = opts.Destroy() }()
	err = d.use(opts)
	if !errors.As(err, new(*DeviceError)) || !strings.Contains(err.Error(), "CUDAExecutionProvider does not start") {
		t.Errorf("error %v", err)
	}
}
