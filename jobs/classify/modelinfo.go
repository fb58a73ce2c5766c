package classify

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/shardmill/shardmill/jobs/classify/internal/onnx"
	"github.com/shardmill/shardmill/jobs/classify/internal/preprocess"
)

// ModelInfo describes a model file.
type ModelInfo struct {
	Path            string            `json:"path"`
	Bytes           int64             `json:"bytes"`
	SHA256          string            `json:"sha256"`
	IRVersion       int64             `json:"ir_version,omitempty"`
	Opsets          []onnx.Opset      `json:"opsets"`
	Producer        string            `json:"producer,omitempty"`
	ProducerVersion string            `json:"producer_version,omitempty"`
	Domain          string            `json:"domain,omitempty"`
	Version         int64             `json:"version,omitempty"`
	Description     string            `json:"description,omitempty"`
	Custom          map[string]string `json:"custom,omitempty"`
	NoMetadata      string            `json:"no_metadata,omitempty"` // why opsets to external are not known
	External        []ExternalFile    `json:"external,omitempty"`
	Inputs          []ModelTensor     `json:"inputs"`
	Outputs         []ModelTensor     `json:"outputs"`
	FixedBatch      int64             `json:"fixed_batch,omitempty"` // 0 for any
	Runtime         string            `json:"onnx_runtime"`          // version
	Spec            string            `json:"spec,omitempty"`        // proposed preprocessing, YAML
	NoSpec          string            `json:"no_spec,omitempty"`     // why there is none
}

// ModelTensor is an input or output of a model.
type ModelTensor struct {
	Name  string   `json:"name"`
	Type  string   `json:"type"`
	Shape []int64  `json:"shape"`          // -1 for a dynamic dimension
	Axes  []string `json:"axes,omitempty"` // names of the dimensions, "" for those without
}

// ExternalFile holds weights of a model.
type ExternalFile struct {
	Location string `json:"location"` // relative to the model's folder
	Bytes    int64  `json:"bytes"`    // -1 if it is not there
}

// InspectModel describes a model file and proposes how to preprocess images for
// it. It loads the model and runs it on random images: call it in a process that
// may die.
func InspectModel(ctx context.Context, path string) (ModelInfo, error) {
	rt, err := onnx.Find(nil)
	if err != nil {
		return ModelInfo{}, err
	}
	model, err := onnx.Inspect(rt, path)
	if err != nil {
		return ModelInfo{}, err
	}
	file, unread := onnx.ReadFile(path)
	info := ModelInfo{
		Path: path, IRVersion: file.IRVersion, Opsets: file.Opsets, Producer: file.Producer, ProducerVersion: file.ProducerVersion,
		Domain: file.Domain, Version: file.Version, Description: file.Description, Custom: file.Custom,
		External: externalFiles(path, file.External), Inputs: tensors(model.Inputs, file.Axes), Outputs: tensors(model.Outputs, file.Axes),
		Runtime: rt.Version,
	}
	if unread != nil { // a format that the library knows and we do not
		info.NoMetadata = unread.Error()
	}
	if err := info.measure(path); err != nil {
		return ModelInfo{}, err
	}
	info.propose(ctx, rt, model)
	return info, nil
}

func (m *ModelInfo) measure(path string) error {
	stat, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	m.Bytes = stat.Size()
	m.SHA256, err = onnx.Digest(path)
	return err
}

func externalFiles(model string, locations []string) []ExternalFile {
	var list []ExternalFile
	for _, location := range locations {
		f := ExternalFile{Location: location, Bytes: -1}
		if stat, err := os.Stat(filepath.Join(filepath.Dir(model), location)); err == nil {
			f.Bytes = stat.Size()
		}
		list = append(list, f)
	}
	return list
}

func tensors(list []onnx.Tensor, axes map[string][]string) []ModelTensor {
	out := make([]ModelTensor, len(list))
	for i, t := range list {
		out[i] = ModelTensor{Name: t.Name, Type: string(t.Type), Shape: t.Shape}
		names := axes[t.Name]
		for k, d := range t.Shape {
			if d < 0 && len(names) == len(t.Shape) && names[k] != "" {
				out[i].Axes = names
			}
		}
	}
	return out
}

// propose fills in the spec, or why there is none.
func (m *ModelInfo) propose(ctx context.Context, rt onnx.Runtime, model onnx.Model) {
	guess, err := guessSpec(model)
	if err != nil {
		m.NoSpec = err.Error()
		return
	}
	kind, why := lookAtScores(ctx, rt, m, guess)
	offset := 0
	if len(model.Outputs) > 0 && classesOf(model.Outputs[0]) == imagenetLabels+1 {
		offset = 1
	}
	in := model.Inputs[0]
	text, err := preprocess.Propose(in.Shape, string(in.Type), kind, why, offset)
	if err != nil {
		m.NoSpec = err.Error()
		return
	}
	m.Spec = string(text)
}

// imagenetLabels is the number of labels of ImageNet's classification task.
const imagenetLabels = 1000

// classesOf is the number of scores of a row, as far as the model says.
func classesOf(out onnx.Tensor) int64 {
	n := int64(1)
	for i, d := range out.Shape {
		if i > 0 && d > 1 {
			n *= d
		}
	}
	return n
}

// guessSpec is a spec that fits the model's input.
func guessSpec(model onnx.Model) (preprocess.Spec, error) {
	if len(model.Inputs) != 1 {
		return preprocess.Spec{}, fmt.Errorf("the model has %d inputs: images have one", len(model.Inputs))
	}
	in := model.Inputs[0]
	text, err := preprocess.Propose(in.Shape, string(in.Type), preprocess.Output{Kind: preprocess.Logits}, "", 0)
	if err != nil {
		return preprocess.Spec{}, err
	}
	return preprocess.Parse(text)
}

// specRow is the shape of one image in the layout of a spec.
func specRow(spec preprocess.Spec) []int64 {
	opts := spec.Pixels(0)
	w, h := opts.Size()
	if spec.Layout == preprocess.NHWC {
		return []int64{int64(h), int64(w), int64(spec.Depth())}
	}
	return []int64{int64(spec.Depth()), int64(h), int64(w)}
}
