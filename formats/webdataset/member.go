package webdataset

import (
	"archive/tar"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// Member is a file in an archive.
type Member struct {
	Name   string // as in the archive, without a leading "./"
	Offset int64  // of its first byte in the archive
	Size   int64  // in bytes
}

// ImageExtensions are those of image members, without a dot.
func ImageExtensions() []string {
	return []string{"jpg", "jpeg", "png", "gif", "webp", "bmp", "tif", "tiff"}
}

// role is what a member is for its sample.
type role uint8

const (
	other  role = iota
	image       // jpg
	dotted      // v2.jpg
	class
	object
)

// member is a Member with what grouping needs.
type member struct {
	Member
	key  string
	role role
	bad  string // why it cannot be read, "" if it can
}

// memberOf tells what a header is of; ok is false for what belongs to no sample.
func memberOf(h *tar.Header) (m member, ok bool) {
	if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader {
		return m, false
	}
	m.Name, m.Size = strings.TrimPrefix(h.Name, "./"), h.Size
	key, ext, ok := split(m.Name)
	if !ok {
		return m, false
	}
	m.key, m.role, m.bad = key, roleOf(ext), badness(h)
	return m, true
}

// split parts a name at the first dot of its last element.
func split(name string) (key, ext string, ok bool) {
	dir, base := path.Split(name)
	stem, ext, ok := strings.Cut(base, ".")
	if !ok || stem == "" || strings.HasPrefix(stem, "__") && strings.HasSuffix(stem, "__") {
		return "", "", false
	}
	return dir + stem, strings.ToLower(ext), true
}

func roleOf(ext string) role {
	images := ImageExtensions()
	switch {
	case slices.Contains(images, ext):
		return image
	case ext == "cls":
		return class
	case ext == "json":
		return object
	case slices.Contains(images, ext[strings.LastIndexByte(ext, '.')+1:]):
		return dotted
	}
	return other
}

func badness(h *tar.Header) string {
	switch {
	case !utf8.ValidString(h.Name):
		return "its name is not UTF-8"
	case isSparse(h):
		return "a sparse file, whose bytes do not lie in one piece"
	case h.Typeflag == tar.TypeLink || h.Typeflag == tar.TypeSymlink:
		return "a link, and no file"
	case h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeCont:
		return "no regular file"
	}
	return ""
}

func isSparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for name := range h.PAXRecords {
		if strings.HasPrefix(name, "GNU.sparse.") {
			return true
		}
	}
	return false
}
