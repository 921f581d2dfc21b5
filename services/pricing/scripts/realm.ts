import releaseSync from '@jitl/quickjs-wasmfile-release-sync';
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSHandle,
  type QuickJSSyncVariant,
  type QuickJSWASMModule,
} from 'quickjs-emscripten-core';
import type { Failed, Place, Problem } from './contract.ts';
import type { ScriptLimits } from './limits.ts';
import { REALM_SETUP } from './realm-setup.ts';
import { parsed } from './syntax.ts';

/** One compiled script in an engine of its own: own heap, own frozen intrinsics. */
export interface Realm {
  readonly source: string;
  readonly warnings: readonly string[];
  /** What it took when it was compiled. */
  readonly bytes: number;
  /** Of quantity and price of each case in `given` writes the amounts into `amounts`, until one fails: `at` is which. */
  run(given: Float64Array, amounts: Float64Array): (Failed & { readonly at: number }) | undefined;
  /** @throws what the engine throws when it lost count of its own memory: then the thread ends */
  dispose(): void;
}

/** Node has it; its types are those of browsers. */
const { Memory } = (globalThis as unknown as { readonly WebAssembly: { readonly Memory: MemoryConstructor } })
  .WebAssembly;
type MemoryConstructor = new (pages: { readonly initial: number; readonly maximum: number }) => object;

/** The engine, with a wall around all that it can ever take. */
export async function loadEngine({ threadMemoryBytes }: ScriptLimits): Promise<QuickJSWASMModule> {
  const pages = Math.floor(threadMemoryBytes / 65_536);
  const own: object = { wasmMemory: new Memory({ initial: Math.min(256, pages), maximum: pages }) };
  // Its types are those of CommonJS, where the default is one step further in.
  return newQuickJSWASMModuleFromVariant(newVariant(releaseSync as unknown as QuickJSSyncVariant, own));
}

/** Microseconds of processor time that this thread has had: what a busy machine does not change. */
export function threadMicroseconds(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

/** Compiles a source, or says what is wrong with it. `moved` is called now and then while the script runs. */
export function compile(
  engine: QuickJSWASMModule,
  source: string,
  limits: ScriptLimits,
  moved: () => void = () => {},
): Realm | { readonly problems: readonly Problem[] } {
  const script = parsed(source, limits);
  if (!('factory' in script)) return { problems: script };
  const runtime = engine.newRuntime();
  runtime.setMemoryLimit(limits.memoryBytes);
  runtime.setMaxStackSize(limits.stackBytes);
  let endsAt = Infinity;
  let isLate = false;
  runtime.setInterruptHandler(() => {
    moved();
    return (isLate ||= threadMicroseconds() > endsAt);
  });
  const context = runtime.newContext();
  const makeRunner = context.unwrapResult(context.evalCode(REALM_SETUP, 'setup.js'));
  const kept: QuickJSHandle[] = [makeRunner];
  const dispose = (): void => {
    for (const handle of kept) handle.dispose();
    context.dispose();
    runtime.dispose();
  };

  const evaluated = context.evalCode(`(${script.factory})`, SCRIPT_FILE, { strict: true });
  if (evaluated.error) {
    const thrown = evaluated.error.consume((error) => context.dump(error) as unknown);
    dispose();
    return { problems: [compileProblem(thrown)] };
  }
  const text = context.newString(script.factory);
  const runner = context.unwrapResult(context.callFunction(makeRunner, context.undefined, evaluated.value, text));
  for (const handle of [text, evaluated.value]) handle.dispose();
  kept.push(runner);
  if (context.typeof(runner) !== 'function') {
    dispose();
    return { problems: [{ message: 'its source does not mean the same to every reader' }] };
  }
  const usage = runtime.computeMemoryUsage();
  const bytes = (usage.consume((handle) => context.dump(handle) as unknown) as { readonly memory_used_size: number })
    .memory_used_size;

  return {
    source,
    warnings: script.warnings,
    bytes,
    dispose,
    run(given, amounts) {
      const numbers = new Float64Array(1 + given.length);
      numbers.set(given, 1);
      const buffer = context.newArrayBuffer(numbers.buffer);
      isLate = false;
      endsAt = threadMicroseconds() + limits.callMs * 1_000;
      const result = context.callFunction(runner, context.undefined, buffer);
      endsAt = Infinity;
      const after = context
        .getArrayBuffer(buffer)
        .consume(({ value: bytes }) => new Float64Array(bytes.slice().buffer));
      buffer.dispose();
      for (let n = 0; n < amounts.length; n += 1) amounts[n] = after[1 + 2 * n]!;
      const at = after[0]!;
      if (result.error) {
        result.error.dispose();
        return isLate ? { ...LOOPED, message: `it was not done in ${limits.callMs} ms`, at } : { ...NO_MEMORY, at };
      }
      if (context.typeof(result.value) === 'undefined') return undefined;
      const [did, message, stack] = result.value.consume((value) => context.dump(value) as unknown) as [
        Failed['did'],
        string,
        string,
      ];
      return { did, message, at, ...placeIn(stack) };
    },
  };
}

const SCRIPT_FILE = 'strategy.js';
const LOOPED = { did: 'looped' } as const;
const NO_MEMORY = { did: 'memory', message: 'it wanted more memory than it may have' } as const;

/** The place of the newest frame in the script; the factory's first line is not the author's. */
function placeIn(stack: string): Place {
  const [, line, column] = /\(strategy\.js:(\d+)(?::(\d+))?\)/.exec(stack) ?? [];
  if (line === undefined) return {};
  return { line: Number(line) - 1, ...(column !== undefined && { column: Number(column) }) };
}

function compileProblem(thrown: unknown): Problem {
  const { name, message, stack } = (thrown ?? {}) as Readonly<Record<string, unknown>>;
  if (name === 'InternalError') return { message: 'it is too large or nested too deeply to be compiled' };
  const [, line, column] = /strategy\.js:(\d+)(?::(\d+))?/.exec(String(stack)) ?? [];
  return {
    message: String(message ?? 'it cannot be compiled'),
    ...(line !== undefined && { line: Number(line) - 1 }),
    ...(column !== undefined && { column: Number(column) }),
  };
}
