package classify

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/shardmill/shardmill/jobs/classify/internal/onnx"
	"github.com/shardmill/shardmill/jobs/classify/internal/preprocess"
)

// Libraries says what a classification on this machine would run with.
type Libraries struct {
	RuntimePath    string   // ONNX Runtime, absolute
	RuntimeVersion string   // as the library reports it: "1.27.0"
	RuntimeSource  string   // who named it: "ONNXRUNTIME_LIB", "system" or "beside the program"
	PassedOver     []string // a line for each ONNX Runtime that is there and cannot be used
	JPEG           string   // the decoder of JPEG files: "libjpeg-turbo 2.1.5"
}

// FindLibraries looks for what a classification needs. Its error says that there is no usable ONNX Runtime, where it
// was looked for and what to do.
func FindLibraries() (Libraries, error) {
	l := Libraries{JPEG: jpegDecoder()}
	rt, err := onnx.Find(func(line string) { l.PassedOver = append(l.PassedOver, line) })
	l.RuntimePath, l.RuntimeVersion, l.RuntimeSource = rt.Path, rt.Version, rt.Source
	return l, err
}

// Presets lists the names that Params.Preprocess may have instead of a file.
func Presets() []string { return preprocess.Presets() }

// CheckDevice refuses what is no device. Whether it can be used is found out where a model is loaded.
func CheckDevice(text string) error {
	if _, err := onnx.ParseDevice(text); err != nil {
		return fmt.Errorf("--device %w", err)
	}
	return nil
}

// NormalDevice is how Params.Device says what --device says: the CPU, which is what jobs ran on before there was
// a choice, is "", and equal devices are equal texts. What is no device stays for the message about it.
func NormalDevice(text string) string {
	d, err := onnx.ParseDevice(text)
	switch {
	case err != nil:
		return text
	case d.IsCPU():
		return ""
	}
	return d.String()
}

// Absolute makes the paths among the parameters absolute, so that they hold in every worker and in a later run from
// another folder. The name of a preset stays, and what is neither a preset nor a file stays for the message about it.
func (p Params) Absolute() (Params, error) {
	paths := append([]*string{&p.Root}, modelPaths(&p.Model, &p.Labels, &p.Preprocess)...)
	p.Models = slices.Clone(p.Models)
	for i := range p.Models {
		m := &p.Models[i]
		paths = append(paths, modelPaths(&m.Path, &m.Labels, &m.Preprocess)...)
	}
	for _, path := range paths {
		if *path == "" {
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			return p, fmt.Errorf("%s: %w", *path, err)
		}
		*path = abs
	}
	return p, nil
}

// modelPaths are those of a model, its labels and its spec that are paths.
func modelPaths(model, labels, spec *string) []*string {
	paths := []*string{model, labels}
	if _, err := os.Stat(*spec); err == nil && !slices.Contains(Presets(), *spec) {
		paths = append(paths, spec)
	}
	return paths
}
