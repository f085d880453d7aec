// Package sqlreport keeps the counts of a report in tables. The same SQL is for SQLite and
// for PostgreSQL; what differs is a [Dialect].
//
// Texts are numbers from a dictionary, because each stands in many rows. The number 0 is
// the text "", which stands for visits in the place of a goal, and for no currency.
package sqlreport

import (
	"strconv"
	"strings"
)

// Dialect is what differs between databases.
type Dialect struct {
	// Name is that of the database, for people.
	Name string
	// Numbered says that the second placeholder is $2, and not ?.
	Numbered bool
	// Identity is the type of a column that numbers its rows from 1 on.
	Identity string
	// Bytes is the type of a column of bytes.
	Bytes string
	// Clustered is what a table says whose rows lie in the order of its key.
	Clustered string
	// Lock is a statement by which changes of several processes wait for each other, ""
	// if they do so anyway.
	Lock string
}

// The schema. Keys begin with what a page asks for: a range of days of one goal.
const schema = `
CREATE TABLE text (id @identity, value TEXT NOT NULL UNIQUE);
INSERT INTO text (id, value) VALUES (0, '');
CREATE TABLE epoch (n BIGINT NOT NULL);
INSERT INTO epoch (n) VALUES (0);
CREATE TABLE day_total (
	site BIGINT NOT NULL, day BIGINT NOT NULL, goal BIGINT NOT NULL, reason BIGINT NOT NULL, currency BIGINT NOT NULL,
	n BIGINT NOT NULL, minor BIGINT NOT NULL, PRIMARY KEY (site, day, goal, reason, currency)) @clustered;
CREATE TABLE hour_total (
	site BIGINT NOT NULL, day BIGINT NOT NULL, hour BIGINT NOT NULL, goal BIGINT NOT NULL, reason BIGINT NOT NULL, currency BIGINT NOT NULL,
	n BIGINT NOT NULL, minor BIGINT NOT NULL, PRIMARY KEY (site, day, hour, goal, reason, currency)) @clustered;
CREATE TABLE part (
	site BIGINT NOT NULL, dimension BIGINT NOT NULL, goal BIGINT NOT NULL, day BIGINT NOT NULL, text BIGINT NOT NULL, currency BIGINT NOT NULL,
	n BIGINT NOT NULL, minor BIGINT NOT NULL, PRIMARY KEY (site, dimension, goal, day, text, currency)) @clustered;
CREATE TABLE cell (
	site BIGINT NOT NULL, goal BIGINT NOT NULL, day BIGINT NOT NULL,
	page BIGINT NOT NULL, source BIGINT NOT NULL, campaign BIGINT NOT NULL, language BIGINT NOT NULL, device BIGINT NOT NULL, currency BIGINT NOT NULL,
	n BIGINT NOT NULL, minor BIGINT NOT NULL, PRIMARY KEY (site, goal, day, page, source, campaign, language, device, currency)) @clustered;
CREATE TABLE sketch (
	site BIGINT NOT NULL, day BIGINT NOT NULL, goal BIGINT NOT NULL, secret TEXT NOT NULL, data @bytes NOT NULL,
	PRIMARY KEY (site, day, goal, secret)) @clustered;
CREATE TABLE mark (at BIGINT NOT NULL, site BIGINT NOT NULL, kind TEXT NOT NULL, words TEXT NOT NULL);
CREATE INDEX mark_at ON mark (at);
CREATE TABLE lost (day BIGINT PRIMARY KEY, n BIGINT NOT NULL);
CREATE TABLE site (site BIGINT PRIMARY KEY, zone TEXT NOT NULL, closed BIGINT NOT NULL);
CREATE TABLE rules (at BIGINT NOT NULL, hash TEXT NOT NULL, goals TEXT NOT NULL);
CREATE TABLE writer (id TEXT PRIMARY KEY, seq BIGINT NOT NULL, at BIGINT NOT NULL);
`

// What is spent, and which days were filled in from logs.
const schemaOfCosts = `
CREATE TABLE cost (
	site BIGINT NOT NULL, day BIGINT NOT NULL, what BIGINT NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (site, day, what)) @clustered;
CREATE TABLE filled (site BIGINT NOT NULL, day BIGINT NOT NULL, writer TEXT NOT NULL, PRIMARY KEY (site, day)) @clustered;
`

// Migrations are the steps from an empty database to the newest, each from the version
// before it. A step is never changed once it is released.
func (d Dialect) Migrations() []string {
	steps := []string{schema, schemaOfCosts}
	in := strings.NewReplacer("@identity", d.Identity, "@bytes", d.Bytes, "@clustered", d.Clustered)
	for i := range steps {
		steps[i] = in.Replace(steps[i])
	}
	return steps
}

// placeholders writes the statement of a database with numbered placeholders.
func (d Dialect) placeholders(query string) string {
	if !d.Numbered {
		return query
	}
	var b strings.Builder
	n := 0
	for i := range len(query) {
		if query[i] != '?' {
			b.WriteByte(query[i])
			continue
		}
		n++
		b.WriteString("$" + strconv.Itoa(n))
	}
	return b.String()
}

// table is a table of counts: its keys, and how rows are added.
type table struct {
	name string
	keys []string
}

var (
	dayTotals  = table{"day_total", []string{"site", "day", "goal", "reason", "currency"}}
	hourTotals = table{"hour_total", []string{"site", "day", "hour", "goal", "reason", "currency"}}
	parts      = table{"part", []string{"site", "dimension", "goal", "day", "text", "currency"}}
	cells      = table{"cell", []string{"site", "goal", "day", "page", "source", "campaign", "language", "device", "currency"}}
)

// upsert is the statement that adds so many rows.
func (t table) upsert(rows int) string {
	one := "(" + strings.Repeat("?, ", len(t.keys)+1) + "?)"
	return "INSERT INTO " + t.name + " (" + strings.Join(t.keys, ", ") + ", n, minor) VALUES " +
		strings.TrimSuffix(strings.Repeat(one+", ", rows), ", ") +
		" ON CONFLICT (" + strings.Join(t.keys, ", ") + ") DO UPDATE SET n = " + t.name + ".n + excluded.n, minor = " + t.name + ".minor + excluded.minor"
}
