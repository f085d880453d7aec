package queue

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// patient is a spool that was closed properly, to be damaged.
type patient struct {
	*story
	disk  *crashFS
	items []Item // that wait, oldest first
	acked []Item
}

// newPatient has some acknowledged items, some waiting ones and some dead.
func newPatient(t *testing.T, waiting int) *patient {
	t.Helper()
	p := &patient{story: newStory(t, 21), disk: newCrashFS()}
	q := p.open(p.disk, false)
	for range waiting + 4 {
		if err := p.append(q, 1, 40); err != nil {
			t.Fatal(err)
		}
	}
	got := p.receive(q, 1000)
	for i, d := range got {
		if i%((waiting+4)/4) == 1 && len(p.acked) < 4 {
			p.ack(d)
			p.acked = append(p.acked, d.Item)
		} else {
			p.items = append(p.items, d.Item)
		}
	}
	p.close(q)
	return p
}

// file is the one file with the suffix, the newest if there are several.
func (p *patient) file(suffix string) string {
	p.Helper()
	var found []string
	for name := range p.disk.names {
		if strings.HasSuffix(name, suffix) && filepath.Dir(name) == spoolDir {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		p.Fatalf("no %s among %v", suffix, slices.Sorted(maps.Keys(p.disk.names)))
	}
	return slices.Max(found)
}

// copy is the disk again, for a damage of its own.
func (p *patient) copy() *crashFS { return p.disk.powerLoss(p.random, keepEverything) }

func (c *crashFS) bytes(name string) []byte { return slices.Clone(c.names[name].data.b) }

func (c *crashFS) put(name string, b []byte) {
	node := &inode{data: shared{b: b}, synced: shared{b: b}}
	c.names[name], c.disk[name] = node, node
}

// healing is what became of a damaged spool.
type healing struct {
	lost  []Item // waited and did not come
	again int    // were acknowledged and came again
	stats Stats
	disk  *crashFS
}

// heal opens a damaged spool. It must open, hand out nothing that nobody
// appended, and go on working.
func (p *patient) heal(name string, disk *crashFS) healing {
	p.Helper()
	o := smallSpool(false)
	o.Window = 2
	q := openTest(p.T, disk, spoolDir, o)
	found := map[string]bool{}
	both := func() []Delivery { return append(p.newest(q, 1), p.receive(q, 1)...) }
	for got := both(); len(got) > 0; got = both() {
		for _, d := range got {
			if found[string(d.Body)] {
				p.Errorf("%s: %.40q came twice", name, d.Body)
			}
			found[string(d.Body)] = true
			d.Ack()
		}
	}
	h := healing{stats: q.Stats(), disk: disk}
	for _, i := range p.items {
		if !found[string(i.Body)] {
			h.lost = append(h.lost, i)
		}
	}
	for _, i := range p.acked {
		if found[string(i.Body)] {
			h.again++
		}
	}
	if h.stats.Waiting != 0 || h.stats.Bytes != 0 || h.stats.Done != h.stats.Last {
		p.Errorf("%s: all is settled, and %+v", name, h.stats)
	}
	if err := p.append(q, 1, 50); err != nil {
		p.Errorf("%s: a fresh item: %v", name, err)
	} else if p.drain(q) != 1 {
		p.Errorf("%s: a fresh item did not come", name)
	}
	p.close(q)
	return h
}

// keeps says whether the bytes are still somewhere on the disk.
func (h healing) keeps(b []byte) bool {
	for _, node := range h.disk.names {
		if bytes.Contains(node.data.b, b) {
			return true
		}
	}
	return false
}

// TestEveryByteDamaged changes one byte of a segment after the other. At most
// the item that the byte belongs to is lost, and counted; its file is kept.
func TestEveryByteDamaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPatient(t, 5)
		name := p.file(segmentSuffix)
		original := p.disk.bytes(name)
		used := len(bytes.TrimRight(original, "\x00"))
		random := rand.New(rand.NewPCG(2, 2))
		lostBytes, tried := 0, 0
		for at := range len(original) {
			if original[at] == 0 && random.IntN(60) > 0 && (at > 400 || at > used) {
				continue // most of the file is zeros
			}
			tried++
			damaged := slices.Clone(original)
			damaged[at] ^= 1 << random.IntN(8)
			if random.IntN(4) == 0 {
				damaged[at] = ^original[at]
			}
			disk := p.copy()
			disk.put(name, damaged)
			what := fmt.Sprintf("byte %d of %d, %#02x for %#02x", at, len(original), damaged[at], original[at])
			h := p.heal(what, disk)
			if len(h.lost) > 1 {
				t.Errorf("%s: %d items are lost", what, len(h.lost))
			}
			if len(h.lost) > 0 {
				lostBytes++
				if h.stats.Damaged == 0 && h.stats.Recovered == uint64(len(p.items)) {
					t.Errorf("%s: an item is lost, and nobody counted it: %+v", what, h.stats)
				}
				window := damaged[max(0, at-20):min(at+20, len(damaged))]
				if !h.keeps(window) {
					t.Errorf("%s: the damaged bytes are gone", what)
				}
			}
			if t.Failed() {
				return
			}
		}
		if lostBytes < 5*56 {
			t.Errorf("only %d of %d damaged bytes cost an item", lostBytes, tried)
		}
		t.Logf("%d bytes damaged, %d of them cost an item each", tried, lostBytes)
	})
}

// TestSegmentCutAnywhere cuts the file at every byte: whatever lies wholly
// before the cut is there.
func TestSegmentCutAnywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPatient(t, 5)
		name := p.file(segmentSuffix)
		original := p.disk.bytes(name)
		used := len(bytes.TrimRight(original, "\x00"))
		for cut := 0; cut <= used; cut++ {
			if cut > 300 && original[cut-1] == 0 && cut%64 > 0 {
				continue
			}
			disk := p.copy()
			disk.put(name, original[:cut])
			h := p.heal(fmt.Sprintf("cut at %d of %d", cut, used), disk)
			for _, i := range h.lost {
				if end := bytes.Index(original, i.Body) + len(i.Body); end <= cut && cut >= 3*pageSize {
					t.Fatalf("cut at %d: %.40q, which ends at %d, is lost", cut, i.Body, end)
				}
			}
		}
	})
}

// TestDamagedDirectory does to a spool's directory what a disk, a backup or a
// person may do.
func TestDamagedDirectory(t *testing.T) {
	junk := bytes.Repeat([]byte("neither a segment nor zero. "), 4000)
	for _, tc := range []struct {
		name   string
		damage func(p *patient, disk *crashFS, segment string, b []byte)
		lost   int // at most; -1: all
		again  bool
		keeps  func(p *patient, b []byte) []byte
	}{
		{"nothing", func(*patient, *crashFS, string, []byte) {}, 0, false, nil},
		{"an empty segment", func(_ *patient, d *crashFS, s string, _ []byte) { d.put(s, nil) }, -1, false, nil},
		{"a missing segment", func(_ *patient, d *crashFS, s string, _ []byte) { delete(d.names, s); delete(d.disk, s) }, -1, false, nil},
		{"junk for a segment", func(_ *patient, d *crashFS, s string, _ []byte) { d.put(s, junk) }, -1, false, func(*patient, []byte) []byte { return junk }},
		{"an extra segment of junk", func(_ *patient, d *crashFS, _ string, _ []byte) {
			d.put(filepath.Join(spoolDir, segmentName(7777, kindItems)), junk)
		}, 0, false, func(*patient, []byte) []byte { return junk }},
		{"an extra empty segment", func(_ *patient, d *crashFS, _ string, _ []byte) {
			d.put(filepath.Join(spoolDir, segmentName(7777, kindItems)), nil)
		}, 0, false, nil},
		{"a segment under another's name", func(_ *patient, d *crashFS, s string, b []byte) {
			d.put(filepath.Join(spoolDir, segmentName(7777, kindItems)), b)
			delete(d.names, s)
		}, -1, true, func(p *patient, _ []byte) []byte { return p.items[0].Body }},
		{"a copy under another name", func(_ *patient, d *crashFS, _ string, b []byte) {
			d.put(filepath.Join(spoolDir, segmentName(7777, kindItems)), b)
		}, 0, false, nil},
		{"files of strangers", func(_ *patient, d *crashFS, _ string, _ []byte) {
			for _, name := range []string{"README.txt", ".DS_Store", "x.seg", "0.seg", "ffffffffffffffff.seg", "core", "a.new", "b.spare"} {
				d.put(filepath.Join(spoolDir, name), []byte("a stranger's "+name))
			}
		}, 0, false, func(*patient, []byte) []byte { return []byte("a stranger's README.txt") }},
		{"the segments' directory inside", func(_ *patient, d *crashFS, _ string, _ []byte) {
			d.dirs[filepath.Join(spoolDir, segmentName(8888, kindItems))] = true
		}, 0, false, nil},
		{"a zeroed page of items", func(_ *patient, d *crashFS, s string, b []byte) {
			used := len(bytes.TrimRight(b, "\x00"))
			clear(b[used/pageSize*pageSize:])
			d.put(s, b)
		}, -1, false, nil},
		{"a zeroed first header", func(_ *patient, d *crashFS, s string, b []byte) { clear(b[:pageSize]); d.put(s, b) }, 0, false, nil},
		{"a zeroed second header", func(_ *patient, d *crashFS, s string, b []byte) { clear(b[pageSize : 2*pageSize]); d.put(s, b) }, 0, false, nil},
		{"both headers zeroed", func(_ *patient, d *crashFS, s string, b []byte) { clear(b[:2*pageSize]); d.put(s, b) }, -1, false, func(p *patient, _ []byte) []byte { return p.items[0].Body }},
		{"an ack map of zeros", func(_ *patient, d *crashFS, s string, b []byte) {
			clear(b[2*pageSize : 2*pageSize+ackBlock])
			d.put(s, b)
		}, 0, true, nil},
		{"an ack map of ones", func(_ *patient, d *crashFS, s string, b []byte) {
			copy(b[2*pageSize:], bytes.Repeat([]byte{0xff}, ackBlock))
			d.put(s, b)
		}, 0, true, nil},
		{"a file that grew", func(_ *patient, d *crashFS, s string, b []byte) { d.put(s, append(b, junk...)) }, 0, false, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPatient(t, 20)
				segment := p.file(segmentSuffix)
				disk := p.copy()
				b := disk.bytes(segment)
				tc.damage(p, disk, segment, slices.Clone(b))
				h := p.heal(tc.name, disk)
				if most := tc.lost; most >= 0 && len(h.lost) > most {
					t.Errorf("%d items are lost, want at most %d", len(h.lost), most)
				}
				if h.again > 0 && !tc.again {
					t.Errorf("%d acknowledged items came again", h.again)
				}
				if tc.keeps != nil && !h.keeps(tc.keeps(p, b)) {
					t.Errorf("what was not understood is gone; left are %v", slices.Sorted(maps.Keys(disk.names)))
				}
			})
		})
	}
}

// TestNewerSegmentIsLeftAlone: what a newer version wrote is neither read nor
// touched, and everything else goes on.
func TestNewerSegmentIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPatient(t, 20)
		name := p.file(segmentSuffix)
		disk := p.copy()
		newer := disk.bytes(name)
		for _, at := range []int{0, pageSize} {
			h, err := decodeHeader(newer[at:])
			if err != nil {
				t.Fatal(err)
			}
			copy(newer[at:], encodeVersion(h, headerVersion+1))
		}
		disk.put(name, newer)
		h := p.heal("a newer segment", disk)
		if len(h.lost) != len(p.items) {
			t.Errorf("of %d items of a newer version %d were not handed out", len(p.items), len(h.lost))
		}
		if got := disk.names[name]; got == nil || !bytes.Equal(got.data.b, newer) {
			t.Errorf("the newer segment was touched; left are %v", slices.Sorted(maps.Keys(disk.names)))
		}
	})
}

// TestDeadLettersDamaged: the files of dead letters are as hard to break.
func TestDeadLettersDamaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPatient(t, 8)
		q := p.open(p.disk, false)
		for i, d := range p.receive(q, 1000) {
			d.Dead(fmt.Sprint("reason ", i))
		}
		<-time.After(time.Second)
		p.close(q)
		dead := p.items
		p.items = nil
		name := p.file(letterSuffix)
		original := p.disk.bytes(name)
		for at := range original {
			if original[at] == 0 {
				continue
			}
			disk := p.copy()
			b := slices.Clone(original)
			b[at] ^= 0x10
			disk.put(name, b)
			q := p.open(disk, false)
			letters := q.Letters()
			for _, l := range letters {
				p.known(l.Item)
			}
			if len(letters) < len(dead)-1 {
				t.Fatalf("byte %d damaged: of %d letters %d are left", at, len(dead), len(letters))
			}
			p.close(q)
		}
	})
}

// TestGoldenSpool opens a directory that version 1 of the format wrote, so that a
// later version still does. It is never written anew. Spools of whole trackers are
// in testdata/golden of the root.
func TestGoldenSpool(t *testing.T) {
	golden := filepath.Join("testdata", "spool-v1")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(golden)); err != nil {
		t.Fatal(err)
	}
	q := openForTest(t, dir, smallSpool(false))
	var got []int
	for waiting := q.Stats().Waiting; waiting > len(got); {
		ds, err := q.Receive(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range ds {
			n, err := numberOf(d.Item)
			if err != nil {
				t.Error(err)
			}
			got = append(got, n)
		}
	}
	if want := []int{1, 3, 4, 6}; !slices.Equal(got, want) {
		t.Errorf("items %v wait, want %v", got, want)
	}
	letters := q.Letters()
	if len(letters) != 1 || letters[0].Reason != "event refused: 400" {
		t.Fatalf("the letters are %+v", letters)
	}
	if n, err := numberOf(letters[0].Item); n != 5 || err != nil {
		t.Errorf("the dead letter is item %d, %v", n, err)
	}
	if r := q.Report(); r.Damaged > 0 {
		t.Errorf("%+v", r)
	}
}

// encodeVersion is the header as another version might write it.
func encodeVersion(h header, version uint16) []byte {
	b := h.encode()
	binary.LittleEndian.PutUint16(b[8:], version)
	binary.LittleEndian.PutUint32(b[headerSize-4:], crc32.Checksum(b[:headerSize-4], castagnoli))
	return b
}
