import { simulate } from '#test/simulation/simulate.ts';
const t = process.cpuUsage();
for (let s = 1; s <= 25; s += 1) await simulate(s);
const u = process.cpuUsage(t);
console.log((u.user + u.system) / 25000, 'ms a seed');
