import test from 'ava';
import { cpuSeconds, cpuSecondsByPart, partOf } from '#bench/cpu.ts';

test('a process of the local stack is known by what it runs', (t) => {
  const node = 'node --enable-source-maps --import file:///p/local/stack/end-with-parent.ts';
  t.is(partOf(`${node} /p/services/circuit-breaker/main.ts`), 'circuit-breaker');
  t.is(partOf(`${node} /p/local/mongo/main.ts --data x`), 'database');
  t.is(partOf(`${node} /p/local/stand-ins/inbox/main.ts`), 'inbox');
  t.is(partOf(`${node} /p/local/stack/one-process.ts`), 'one-process');
  t.is(partOf('/usr/lib/erlang/erts-13/bin/beam.smp -W w -- -root'), 'broker');
  t.is(partOf('node local/commands/start.ts'), 'supervisor');
  t.is(partOf('sleep 1'), 'others');
});

test('what a process uses is counted once, in one part', (t) => {
  for (const until = process.cpuUsage().user + 50_000; process.cpuUsage().user < until;);
  const parts = cpuSecondsByPart(process.pid);
  const sum = Object.values(parts).reduce((all, one) => all + one, 0);
  t.true(sum > 0.02);
  t.true(Math.abs(sum - cpuSeconds(process.pid)) < 1);
});
