package mapreduce

import (
	"encoding/json"
	"fmt"
)

// Env tells constructors of mappers, reducers and files what is the same for the whole stage.
type Env struct {
	stage string
	meta  json.RawMessage
	files func(dataset string) ([]string, error)
}

// Stage is the name of the stage's folder, such as "01-classify".
func (e *Env) Stage() string { return e.stage }

// Meta reads what the job's Source left with Lister.Meta when the job was planned, such as the names
// of carried columns, into v. It leaves v alone where there is nothing.
func (e *Env) Meta(v any) error {
	if len(e.meta) == 0 {
		return nil
	}
	if err := json.Unmarshal(e.meta, v); err != nil {
		return fmt.Errorf("meta of the plan: %w", err)
	}
	return nil
}

// Files lists the committed files of a dataset that an earlier stage wrote, in task order. The stage
// must name the dataset in Reads.
func (e *Env) Files(dataset Port) ([]string, error) { return e.files(dataset.portName()) }
