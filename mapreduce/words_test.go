package mapreduce

import "testing"

// One is not many.
func TestWordsOfOne(t *testing.T) {
	for got, want := range map[string]string{
		passedOver(1):    "1 file of another kind, or link to a folder, was passed over in the folders given",
		passedOver(2):    "2 files of other kinds, or links to folders, were passed over in the folders given",
		keptTasks(1, 1):  "1 of 1 task is committed and kept",
		keptTasks(1, 3):  "1 of 3 tasks is committed and kept",
		keptTasks(2, 2):  "2 of 2 tasks are committed and kept",
		keptTasks(9, 10): "9 of 10 tasks are committed and kept",
	} {
		if got != want {
			t.Errorf("%q, expected %q", got, want)
		}
	}
}
