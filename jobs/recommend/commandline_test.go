package recommend

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCommandLineTexts: columns may be named as what is no text is written.
func TestCommandLineTexts(t *testing.T) {
	p := Defaults()
	p.UserCol, p.ItemCol, p.ValueCol, p.TimeCol, p.NoHeader, p.MinUser = "true", "false", "7", `a "b"`, true, 2
	want := []string{
		"recommend", "--algorithm", "ease", "--item-col", "false", "--min-user", "2", "--no-header", "--time-col", `a "b"`,
		"--user-col", "true", "--value-col", "7", "in.csv",
	}
	if diff := cmp.Diff(want, commandLine(p, "ease", []string{"in.csv"})); diff != "" {
		t.Error(diff)
	}
}
