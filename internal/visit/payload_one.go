package visit

// Format 1 is read, and never written:
//
//	1                         the version
//	start idle                the session: minutes from 1970 to its beginning, and from there to its last request
//	n hash...                 goals that counted once per session, in this one
//	n hash...                 goals that counted once per visitor
//	n (day hash)...           goals that counted once per day, and when last
//	n (scope [day] hash)...   the same with for $source, oldest first; a day only if the scope is PerDay
//	n (hash m seconds...)...  progress, by after:; seconds from the session's beginning
//	0, or n+1 (name value)... the utm_ parameters of the session's first page, 0 if that is not known,
//	  and then a text:        its referrer
const versionOne = 1

// decodeOne reads a payload of format 1 behind its version.
func decodeOne(d *decoder) *Visit {
	v := &Visit{Start: d.minutes()}
	v.Last = v.Start + d.minutes()
	for s := PerSession; s <= PerDay; s++ {
		for range d.count(4) {
			v.plain = append(v.plain, d.counted(s))
		}
	}
	v.keyed = d.keyed(PerDay)
	v.after = d.progress(v.Start)
	if n := d.count(1); n > 0 {
		v.Origin = d.origin(n - 1)
	}
	return v
}
