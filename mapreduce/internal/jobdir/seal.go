package jobdir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
)

const (
	sealHead = "{\n \"version\": "
	sealBody = "\n}\n" // what the encoder ends with, and the trailer replaces
	sealTail = ",\n \"crc32c\": \"%08x\"\n}\n"
	sealLen  = len(",\n \"crc32c\": \"00000000\"\n}\n")
)

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// seal writes a value as a sealed file. Its first member must be "version".
func seal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	body, ok := bytes.CutSuffix(buf.Bytes(), []byte(sealBody))
	if !ok || !bytes.HasPrefix(body, []byte(sealHead)) {
		return nil, errors.New(`the first member of a sealed file must be "version"`)
	}
	return fmt.Appendf(body, sealTail, crc32.Checksum(body, castagnoli())), nil
}

// unseal checks a sealed file and decodes it: *FormatError for another version, *DamagedError.
func unseal(file string, b []byte, version int, v any) error {
	got, err := sealedVersion(b)
	if err != nil {
		return &DamagedError{File: file, Reason: err.Error()}
	}
	if got != version {
		return &FormatError{File: file, Got: strconv.Itoa(got), Want: strconv.Itoa(version)}
	}
	body := b[:max(0, len(b)-sealLen)]
	if want := fmt.Sprintf(sealTail, crc32.Checksum(body, castagnoli())); string(b[len(body):]) != want {
		return &DamagedError{File: file, Reason: "its checksum does not match"}
	}
	if err := json.Unmarshal(b, v); err != nil {
		return &DamagedError{File: file, Reason: err.Error()}
	}
	return nil
}

func sealedVersion(b []byte) (int, error) {
	rest, ok := bytes.CutPrefix(b, []byte(sealHead))
	digits, _, ok2 := bytes.Cut(rest, []byte(","))
	if !ok || !ok2 {
		return 0, errors.New("it does not begin with a version")
	}
	n, err := strconv.Atoi(string(digits))
	if err != nil {
		return 0, errors.New("its version is not a number")
	}
	return n, nil
}

// readSealed reads a sealed file; the error is fs.ErrNotExist when there is none.
func readSealed(fsys fsx.FS, file string, version int, v any) error {
	b, err := fsx.ReadFile(fsys, file)
	if err != nil {
		return err
	}
	return unseal(file, b, version, v)
}
