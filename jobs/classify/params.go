package classify

import (
	"errors"
	"fmt"
	"time"

	"github.com/shardmill/shardmill/jobs/classify/internal/preprocess"
)

// Params are the parameters of a classification. The JSON names are those of the flags.
type Params struct {
	Model        string  `json:"model"`      // model.onnx
	Labels       string  `json:"labels"`     // one label a line, in the model's order
	Preprocess   string  `json:"preprocess"` // preset or file
	Root         string  `json:"root"`       // folder of relative paths; "" is each manifest's folder
	PathCol      string  `json:"path-col"`
	IDCol        string  `json:"id-col"`              // "" makes the path the id
	LabelCol     string  `json:"label-col"`           // "" for none
	ImageCol     string  `json:"image-col,omitempty"` // of Parquet with images in it; "" looks for image and bytes
	TopK         int     `json:"top-k"`
	Threshold    float64 `json:"threshold"` // least score of a row
	Batch        int     `json:"batch"`
	ShardRows    int64   `json:"shard-rows"`
	MaxPixels    int64   `json:"max-pixels"`
	ImageTimeout string  `json:"image-timeout"`
	Damaged      string  `json:"damaged"`      // accept or reject
	PartitionBy  string  `json:"partition-by"` // "" or label

	// Evaluate compares the results with the labels that images have. Jobs begun before there were evaluations have none.
	Evaluate     bool    `json:"evaluate,omitempty"`
	DuplicateIDs string  `json:"duplicate-ids,omitempty"` // "", which stops the job, or reject
	Device       string  `json:"device,omitempty"`        // "" is the CPU; see NormalDevice
	Embedding    string  `json:"embedding,omitempty"`     // output tensor, or "" for none
	L2           bool    `json:"l2,omitempty"`            // embeddings are divided by their length
	Models       []Model `json:"models,omitempty"`        // two or more, in place of Model, Labels, Preprocess and Embedding
	Orientation  string  `json:"orientation,omitempty"`   // exif or ignore in place of what the preprocessing says, or ""
}

// Defaults are the parameters that a command line need not give.
func Defaults() Params {
	return Params{
		PathCol: "path", TopK: 5, Batch: 8, ShardRows: 2000, MaxPixels: 100e6,
		ImageTimeout: "30s", Damaged: damagedAccept,
	}
}

// Values of --damaged, --partition-by and --duplicate-ids.
const (
	damagedAccept    = "accept"
	damagedReject    = "reject"
	partitionByLabel = "label"
	duplicatesReject = "reject"
)

// check finds parameters that no run can use, without opening a file.
func (p Params) check() error {
	if err := p.checkModels(); err != nil {
		return err
	}
	_, err := p.timeout()
	if wrong := CheckDevice(p.Device); wrong != nil {
		return wrong
	}
	switch {
	case p.TopK < 1:
		return fmt.Errorf("--top-k %d: at least 1", p.TopK)
	case !(p.Threshold >= 0 && p.Threshold <= 1):
		return fmt.Errorf("--threshold %v: from 0 to 1", p.Threshold)
	case p.Batch < 1 || p.Batch > 1024:
		return fmt.Errorf("--batch %d: from 1 to 1024", p.Batch)
	case p.ShardRows < 1:
		return fmt.Errorf("--shard-rows %d: at least 1", p.ShardRows)
	case p.MaxPixels < 1:
		return fmt.Errorf("--max-pixels %d: at least 1", p.MaxPixels)
	case p.Damaged != damagedAccept && p.Damaged != damagedReject:
		return fmt.Errorf("--damaged %q: accept or reject", p.Damaged)
	case p.DuplicateIDs != "" && p.DuplicateIDs != duplicatesReject:
		return fmt.Errorf("--duplicate-ids %q: error or reject", p.DuplicateIDs)
	case p.DuplicateIDs != "" && p.IDCol == "":
		return errors.New("--duplicate-ids reject: --id-col is needed; without it the path is the id, and may stand twice")
	case p.PartitionBy != "" && p.PartitionBy != partitionByLabel:
		return fmt.Errorf("--partition-by %q: label is the only choice", p.PartitionBy)
	case p.Orientation != "" && p.Orientation != string(preprocess.ByEXIF) && p.Orientation != string(preprocess.IgnoreOrientation):
		return fmt.Errorf("--orientation %q: exif or ignore", p.Orientation)
	}
	return err
}

// spec loads a preprocessing, a preset or a file, and changes in it what the parameters do.
func (p Params) spec(nameOrPath string) (preprocess.Spec, error) {
	s, err := preprocess.Load(nameOrPath)
	if p.Orientation != "" {
		s.Orientation = preprocess.Orientation(p.Orientation)
	}
	return s, err
}

func (p Params) timeout() (time.Duration, error) {
	d, err := time.ParseDuration(p.ImageTimeout)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("--image-timeout %q: a time such as 30s", p.ImageTimeout)
	}
	return d, nil
}
