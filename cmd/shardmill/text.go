package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// terminalWidth is the number of columns of the terminal that w writes to, or 0 if it is none.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return columns
	}
	return width
}

// printable keeps line ends and writes all that is not to be seen, such as control characters of file
// names, as an escape.
func printable(s string) string {
	clean := func(r rune) bool { return r == '\n' || unicode.IsPrint(r) && r != utf8.RuneError }
	if !strings.ContainsFunc(s, func(r rune) bool { return !clean(r) }) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == '\t':
			b.WriteByte(' ')
		case clean(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteToASCII(s[:n]), `"`))
		}
		s = s[n:]
	}
	return b.String()
}

// oneLine is printable text without line ends.
func oneLine(s string) string { return strings.ReplaceAll(printable(s), "\n", `\n`) }

// counted is a number with its noun: "1 row", "2 rows".
func counted(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// sized is a number of bytes for people: "12 KiB".
func sized(n int64) string {
	if n < 1<<10 {
		return counted(n, "byte")
	}
	v, unit := float64(n)/(1<<10), "KiB"
	for _, u := range []string{"MiB", "GiB", "TiB"} {
		if v < 1024 {
			break
		}
		v, unit = v/1024, u
	}
	if v < 10 {
		return fmt.Sprintf("%.1f %s", v, unit)
	}
	return fmt.Sprintf("%.0f %s", v, unit)
}

// pair is a line of the form "name  text".
type pair struct{ name, text string }

// nameWidth is the least width of a pair's name, and mostNameWidth the width that a longer one widens all to.
const (
	nameWidth     = 12
	mostNameWidth = 24
)

func writeLines(w io.Writer, lines []pair) error {
	width := nameWidth
	for _, l := range lines {
		width = max(width, min(mostNameWidth, utf8.RuneCountInString(oneLine(l.name))))
	}
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%-*s  %s\n", width, oneLine(l.name), oneLine(l.text))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
