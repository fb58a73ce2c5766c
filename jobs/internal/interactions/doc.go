// Package interactions reads who had to do with what: rows of a user and an item, with a value and a time where these are
// asked for.
//
// # Tables
//
// CSV, TSV, JSON lines and Parquet, compressed or not, are read as package tabular says: by the names of the files, or, where
// Options.Format is told, all alike. Columns go by their names or by their numbers from 1. A separator of one byte
// separates CSV, with its quotes; one of several bytes, such as "::", separates plain lines without quotes.
//
// # Lines and baskets
//
// A line of the format "lines" is a user and the user's items, and each of them makes a row. A line of "baskets"
// has items only: the user is the basket, called by the number of its line, "17", or where there are several
// files "FILE:17", FILE being the name by which the file was found. Fields stand between spaces and tabs, any number of
// them, also at both ends of a line; or between separators that Options.Separator tells, of which a line may also end with one.
// Empty lines are skipped. A line may have 64 MiB.
//
// # Values
//
// An id is the text that stands in the file. In Parquet an int is its decimals, and a float has a point, "17850.0", as Python,
// Java and Spark write it into CSV. A value is a finite number; it is 1 where no column is asked for.
//
// A time is a number, or text of the form 2006-01-02, 2006-01-02 15:04:05 or RFC 3339, without a zone in UTC. A number up to 1e11
// is in seconds of Unix time, one up to 1e14 in milliseconds, up to 1e17 in microseconds and beyond in
// nanoseconds. Fractions of seconds are dropped, towards the past.
//
// # Rejects
//
// Rows that do not parse are rejects, as are those without a user or an item, which an empty text is not; with a value that is
// no finite number or a time that cannot be read, where such columns are asked for; and a line with a user and no item. What
// users and items are missing is said first.
//
// # Folders
//
// Of a folder those files are read whose names tell their format. Where Options.Format is told all are, but those
// whose names begin with "." or "_", such as _SUCCESS.
//
// # A test file
//
// Where Options.Test is told, the last input is that file. It is read as the others are, and its rows are marked.
package interactions
