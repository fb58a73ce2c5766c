package onnx

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// repoRoot is the folder of go.mod.
func repoRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the package")
		}
		dir = filepath.Dir(dir)
	}
}

// needRuntime returns the runtime to test with, or skips.
func needRuntime(t testing.TB) Runtime {
	t.Helper()
	s := standardSearch()
	s.beside = filepath.Join(repoRoot(t), "bin", "libonnxruntime.so.1")
	rt, err := s.find(nil)
	if errors.As(err, new(*NotFoundError)) && s.override == "" {
		t.Skip("no ONNX Runtime: run `make setup`")
	}
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

// fakeLibrary compiles a library that says it is ONNX Runtime of that version
// and serves no API.
func fakeLibrary(t *testing.T, name, version string) string {
	t.Helper()
	return compile(t, name, strings.Replace(fakeSource, "VERSION", version, 1))
}

// eagerLibrary claims every API, whatever its version.
func eagerLibrary(t *testing.T, name, version string) string {
	t.Helper()
	return compile(t, name, strings.Replace(strings.Replace(fakeSource, "VERSION", version, 1), "return 0", "return \"api\"", 1))
}

const fakeSource = `
static const void *get_api(unsigned version) { return 0; }
static const char *get_version(void) { return "VERSION"; }
static const struct { const void *(*a)(unsigned); const char *(*v)(void); } base = { get_api, get_version };
const void *OrtGetApiBase(void) { return &base; }`

func compile(t *testing.T, name, source string) string {
	t.Helper()
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler to make a library with")
	}
	path := filepath.Join(t.TempDir(), name)
	cmd := exec.Command(cc, "-shared", "-fPIC", "-x", "c", "-o", path, "-")
	cmd.Stdin = strings.NewReader(source)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, out)
	}
	return path
}

func textFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "libonnxruntime.so.1")
	if err := os.WriteFile(path, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestProbe(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		want       outcome
		verdict    string
	}{
		{"older", fakeLibrary(t, "libold.so", "1.20.1"), tooOld, "ONNX Runtime 1.20.1 is too old, 1.24 or newer is needed"},
		{"older, not asked for the API", eagerLibrary(t, "libeager.so", "1.23.9"), tooOld, "1.23.9"},
		{"just new enough", eagerLibrary(t, "libedge.so", "1.24.0"), usable, "ONNX Runtime 1.24.0"},
		{"newer without the API", fakeLibrary(t, "libnew.so", "1.99.0"), tooOld, "1.99.0"},
		{"odd version", fakeLibrary(t, "libodd.so", "private build"), tooOld, "private build"},
		{"foreign", compile(t, "libforeign.so", "int answer(void) { return 42; }"), foreign, "it has no OrtGetApiBase"},
		{"text", textFile(t), missing, "libonnxruntime.so.1"},
		{"absent", "/nowhere/libonnxruntime.so.1", missing, "/nowhere/libonnxruntime.so.1"},
		{"long name", "/" + strings.Repeat("x", 5000), missing, "xxx"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := probe(tt.path)
			if p.outcome != tt.want || !strings.Contains(p.verdict(), tt.verdict) {
				t.Errorf("outcome %d, %q; want %d, %q", p.outcome, p.verdict(), tt.want, tt.verdict)
			}
		})
	}
}

func TestProbeFindsTheRealOne(t *testing.T) {
	rt := needRuntime(t)
	p := probe(rt.Path)
	if p.outcome != usable || p.path != rt.Path || !regexp.MustCompile(`^1\.\d+\.\d+`).MatchString(p.version) {
		t.Errorf("probe(%s) = %+v", rt.Path, p)
	}
}

func TestFindOrder(t *testing.T) {
	real := needRuntime(t).Path
	link := filepath.Join(t.TempDir(), "libonnxruntime.so.1")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	old := fakeLibrary(t, "libonnxruntime.so.1", "1.18.0")
	for _, tt := range []struct {
		name     string
		search   search
		source   string // "" = not found
		messages int
		tried    []string
	}{
		{"override first", search{override: real, system: []string{link}, beside: link}, EnvLibrary, 0, nil},
		{"system second", search{system: []string{"libnowhere.so", real}, beside: link}, "system", 0, nil},
		{"beside last", search{system: []string{"libnowhere.so"}, beside: real}, "beside the program", 0, nil},
		{"old system library passed over", search{system: []string{old}, beside: real}, "beside the program", 1, nil},
		{"broken system library passed over", search{system: []string{textFile(t)}, beside: real}, "beside the program", 1, nil},
		{"override does not fall through", search{override: old, system: []string{real}, beside: real}, "", 0, []string{"ONNXRUNTIME_LIB: " + old + ": ONNX Runtime 1.18.0"}},
		{"override is a folder", search{override: filepath.Dir(real), beside: real}, "", 0, []string{"ONNXRUNTIME_LIB: "}},
		{"override is absent", search{override: "nothing/here.so", beside: real}, "", 0, []string{"nothing/here.so"}},
		{"override is a bare name", search{override: "libc.so.6", beside: real}, "", 0, []string{"libc.so.6"}},
		{
			"nothing",
			search{system: []string{"libnowhere.so", old}, beside: "/nowhere/libonnxruntime.so.1"},
			"", 1,
			[]string{"ONNXRUNTIME_LIB: not set", "system: libnowhere.so", "system: " + old, "beside the program: /nowhere", "make build"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var messages []string
			rt, err := tt.search.find(func(m string) { messages = append(messages, m) })
			if len(messages) != tt.messages {
				t.Errorf("messages %q, want %d", messages, tt.messages)
			}
			if tt.source != "" {
				if err != nil || rt.Source != tt.source || !filepath.IsAbs(rt.Path) {
					t.Errorf("found %+v, %v; want source %q", rt, err, tt.source)
				}
				return
			}
			if !errors.As(err, new(*NotFoundError)) {
				t.Fatalf("found %+v, %v; want a NotFoundError", rt, err)
			}
			for _, part := range tt.tried {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in the error: %v", part, err)
				}
			}
		})
	}
}

func TestFindWithoutLog(t *testing.T) {
	if _, err := (search{system: []string{textFile(t)}}).find(nil); err == nil {
		t.Error("a text file was taken for a library")
	}
}

func TestFindReadsTheEnvironment(t *testing.T) {
	path := textFile(t)
	t.Setenv(EnvLibrary, path)
	if _, err := Find(nil); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name %s", err, path)
	}
}

func TestFindKeepsToTheLoadedLibrary(t *testing.T) {
	rt := needRuntime(t)
	if err := library.acquire(rt); err != nil {
		t.Fatal(err)
	}
	t.Setenv(EnvLibrary, textFile(t))
	got, err := Find(nil)
	if diff := cmp.Diff(rt, got); err != nil || diff != "" {
		t.Errorf("error %v, -loaded +found:\n%s", err, diff)
	}
	other := Runtime{Path: "/other/libonnxruntime.so.1"}
	if err := library.acquire(other); err == nil || !strings.Contains(err.Error(), rt.Path) {
		t.Errorf("a second library: error %v", err)
	}
	if err := library.release(); err != nil {
		t.Fatal(err)
	}
}

func TestSystemNames(t *testing.T) {
	for _, tt := range []struct {
		goos string
		want []string
	}{
		{"linux", []string{"libonnxruntime.so.1", "libonnxruntime.so", "/usr/local/lib/libonnxruntime.so.1", "/usr/local/lib/libonnxruntime.so"}},
		{"darwin", []string{"libonnxruntime.1.dylib", "libonnxruntime.dylib", "/opt/homebrew/lib/libonnxruntime.1.dylib", "/opt/homebrew/lib/libonnxruntime.dylib", "/usr/local/lib/libonnxruntime.1.dylib", "/usr/local/lib/libonnxruntime.dylib"}},
	} {
		if diff := cmp.Diff(tt.want, systemNames(tt.goos)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.goos, diff)
		}
	}
}

func TestDigest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "abc")
	if err := os.WriteFile(path, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	// The example of FIPS 180-4.
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if got, err := (Runtime{Path: path}).Digest(); got != want || err != nil {
		t.Errorf("digest %s, %v; want %s", got, err, want)
	}
	if _, err := Digest(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("digest of no file: %v", err)
	}
}

// TestMinAPI keeps our number in step with the header that onnxruntime_go brings.
func TestMinAPI(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/yalue/onnxruntime_go").Output()
	if err != nil {
		t.Skipf("go list: %v", err)
	}
	header, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "onnxruntime_c_api.h"))
	if err != nil {
		t.Skipf("no header: %v", err)
	}
	if want := fmt.Sprintf("#define ORT_API_VERSION %d\n", minAPI); !strings.Contains(string(header), want) {
		t.Errorf("the header of onnxruntime_go does not say %q", want)
	}
}
