// Writes 400 made-up strings of the Global Privacy Platform, and what the IAB's own
// library reads from each, for TestGPPAgreesWithIAB. The same seed makes the same file.
// Run it by .ci/gpp, which installs the library @iabgpp/cmpapi beside it.
//
//   node make.mjs VERSION_OF_THE_LIBRARY >strings.txt
//
// A line "fields SECTION NAME..." says in which order the numbers of a section follow. A
// line "string GPP" begins a string, and the lines after it are its sections, each with
// its numbers, those of one field without blanks between.
import { GppModel } from "@iabgpp/cmpapi";

let state = 20260601;
const random = n => { // 0 to n-1, by mulberry32
	state = state + 0x6d2b79f5 | 0;
	let t = Math.imul(state ^ state >>> 15, 1 | state);
	t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
	return ((t ^ t >>> 14) >>> 0) % n;
};
const states = "ca va co ut ct fl mt or tx de ia ne nh nj tn mn md in ky ri".split(" ").map(s => "us" + s);
const others = ["tcfeuv2", "uspv1", "usnat"];
const beside = new Set(["GpcSegmentType", "GpcSegmentIncluded", "SensitiveDataConsentSegmentIncluded"]);

const fill = (model, section) => {
	const set = (name, value) => model.setFieldValue(section, name, value);
	if (section === "uspv1") {
		for (const name of ["Notice", "OptOutSale", "LspaCovered"]) set(name, "YN-"[random(3)]);
		return;
	}
	if (section === "tcfeuv2") {
		set("PurposeConsents", Array.from({ length: 24 }, () => random(4) > 0));
		set("Created", new Date(Date.UTC(2026, random(12), 1 + random(28))));
		set("LastUpdated", new Date(Date.UTC(2026, random(12), 1 + random(28))));
		return;
	}
	if (section === "usnat" && random(3) === 0) set("Version", 1);
	const probe = new GppModel();
	probe.setFieldValue(section, "MspaCoveredTransaction", 1);
	for (const [name, value] of Object.entries(probe.toObject()[section])) {
		if (beside.has(name) || name === "Version" || name === "MspaVersion") continue;
		// Mostly one choice for all of a kind, so that some strings grant.
		const one = () => name === "MspaCoveredTransaction" ? 1 + random(2)
			: /Child|Additional|Personal/.test(name) ? [0, 0, 0, 2, 2, 1][random(6)]
			: /Notice$/.test(name) ? [1, 1, 1, 1, 0, 2][random(6)]
			: /OptOut$/.test(name) ? [2, 2, 2, 0, 1][random(5)]
			: random(3);
		if (name === "Gpc") {
			if (random(3) === 0) model.setFieldValue(section, "GpcSegmentIncluded", false);
			else set(name, random(3) === 0);
			continue;
		}
		set(name, Array.isArray(value) ? value.map(one) : one());
	}
};

const written = value => Array.isArray(value) ? value.map(Number).join("") : String(Number.isInteger(value) ? value : value === true ? 1 : value === false ? 0 : value);
const strings = [], fields = new Map();
const seen = new Set();
for (let i = 0; seen.size < 400; i++) {
	const model = new GppModel();
	const all = [...others, ...states];
	const many = i === 0 ? 0 : 1 + (random(4) === 0 ? 1 + random(2) : 0);
	for (let n = 0; n < many; n++) fill(model, random(3) === 0 ? others[random(3)] : all[random(all.length)]);
	if (i === 10) for (const section of all) fill(model, section);
	const text = model.encode();
	if (seen.has(text)) continue;
	seen.add(text);
	const read = new GppModel(text), lines = ["string " + text];
	const found = read.toObject();
	for (const [section, values] of Object.entries(found)) {
		let names = Object.keys(values).filter(name => !beside.has(name));
		if (section === "tcfeuv2") names = ["Version", "PurposeConsents"];
		if (names.includes("Gpc") && !read.getFieldValue(section, "GpcSegmentIncluded")) names = names.filter(name => name !== "Gpc");
		const row = names.filter(name => name !== "Gpc");
		if (!fields.has(section)) fields.set(section, row);
		if (row.join() !== fields.get(section).join()) throw new Error(section + " has other fields: " + row);
		lines.push([section, ...row.map(name => written(values[name])), ...(names.includes("Gpc") ? ["gpc=" + written(values.Gpc)] : [])].join(" "));
	}
	strings.push(...lines);
}
console.log(`# Made by make.mjs with @iabgpp/cmpapi ${process.argv[2] ?? "?"}: see there.`);
for (const [section, names] of [...fields].sort()) console.log(["fields", section, ...names].join(" "));
console.log(strings.join("\n"));
