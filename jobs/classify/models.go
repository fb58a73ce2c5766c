package classify

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Model is one model of a classification with what belongs to it. The JSON names are those of the flags.
type Model struct {
	Path       string `json:"model"`
	Labels     string `json:"labels,omitempty"` // "" for embeddings only
	Preprocess string `json:"preprocess"`
	Embedding  string `json:"embedding,omitempty"` // output tensor, or "" for none
}

// Name is what the model column says: the file's name, or that of its folder where the file
// is just called model.onnx.
func (m Model) Name() string {
	name := strings.TrimSuffix(filepath.Base(m.Path), ".onnx")
	if dir := filepath.Base(filepath.Dir(m.Path)); name == "model" && dir != "." && dir != string(filepath.Separator) {
		return dir
	}
	return name
}

// ModelsOf joins what the flags of models say. Of labels, specs and embeddings there is none, one for all models, or one
// for each in order; "" stands for none.
func ModelsOf(paths, labels, specs, embeddings []string) ([]Model, error) {
	models := make([]Model, max(len(paths), 1))
	for _, f := range []struct {
		flag   string
		values []string
		field  func(m *Model) *string
	}{
		{"--model", paths, func(m *Model) *string { return &m.Path }},
		{"--labels", labels, func(m *Model) *string { return &m.Labels }},
		{"--preprocess", specs, func(m *Model) *string { return &m.Preprocess }},
		{"--embedding", embeddings, func(m *Model) *string { return &m.Embedding }},
	} {
		n := len(f.values)
		if n > 1 && n != len(models) {
			return nil, fmt.Errorf("%s is given %d times for %d --model: once for all, or once for each in their order", f.flag, n, len(models))
		}
		for i := range models {
			if n > 0 {
				*f.field(&models[i]) = f.values[min(i, n-1)]
			}
		}
	}
	return models, nil
}

// WithModels sets the models. A single one has the fields of its own.
func (p Params) WithModels(models []Model) Params {
	if len(models) == 1 {
		m := models[0]
		p.Model, p.Labels, p.Preprocess, p.Embedding, p.Models = m.Path, m.Labels, m.Preprocess, m.Embedding, nil
		return p
	}
	p.Model, p.Labels, p.Preprocess, p.Embedding, p.Models = "", "", "", "", models
	return p
}

// models lists the models in their order.
func (p Params) models() []Model {
	if len(p.Models) > 0 {
		return p.Models
	}
	return []Model{{Path: p.Model, Labels: p.Labels, Preprocess: p.Preprocess, Embedding: p.Embedding}}
}

// several tells whether there is more than one model: then streams and datasets tell them apart.
func (p Params) several() bool { return len(p.Models) > 1 }

// predicts tells whether any model has labels, so that there are predictions.
func (p Params) predicts() bool {
	return slices.ContainsFunc(p.models(), func(m Model) bool { return m.Labels != "" })
}

// embeds tells whether there are embeddings.
func (p Params) embeds() bool {
	return slices.ContainsFunc(p.models(), func(m Model) bool { return m.Embedding != "" })
}

// checkModels finds models that no run can use, without opening a file.
func (p Params) checkModels() error {
	if len(p.Models) > 0 && p.Model+p.Labels+p.Preprocess+p.Embedding != "" {
		return errors.New("models: they exclude model, labels, preprocess and embedding")
	}
	paths := map[string]string{}
	for _, m := range p.models() {
		if err := m.check(); err != nil {
			return err
		}
		if other, ok := paths[m.Name()]; ok {
			return fmt.Errorf("--model: %s and %s are both called %q in the column model, which is the file's name, or that of its folder for a model.onnx: rename one",
				other, m.Path, m.Name())
		}
		paths[m.Name()] = m.Path
	}
	switch {
	case p.L2 && !p.embeds():
		return errors.New("--l2 is for embeddings: --embedding is needed")
	case p.PartitionBy != "" && p.several():
		return errors.New("--partition-by label: label ids are those of one model; give one --model")
	case p.PartitionBy != "" && !p.predicts():
		return errors.New("--partition-by label: --labels is needed")
	}
	return nil
}

func (m Model) check() error {
	switch {
	case m.Path == "":
		return errors.New("--model is needed: the ONNX file")
	case m.Labels == "" && m.Embedding == "":
		return errors.New("--labels is needed: a text file with one label a line; or --embedding, for embeddings only")
	case m.Preprocess == "":
		return errors.New("--preprocess is needed: imagenet, imagenet-caffe, raw, or a YAML file")
	}
	return nil
}
