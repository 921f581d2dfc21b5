import { buildInfo, connectionStatus, endSessions, getParameter, hello, ping } from './admin-commands.ts';
import { aggregate } from './aggregate.ts';
import {
  create,
  createIndexes,
  drop,
  dropDatabase,
  dropIndexes,
  listCollections,
  listDatabases,
  listIndexes,
} from './catalog-commands.ts';
import { type CommandKind, type Server, checkOptions, parseCommand } from './command.ts';
import { MongoFailure } from '#local/mongo/protocol/failure.ts';
import { findAndModify } from './find-and-modify.ts';
import { fromElements, kind, type Doc } from '#local/mongo/protocol/raw.ts';
import { count, distinct, explainFind, find, getMore, killCursors } from './read-commands.ts';
import type { Request } from '#local/mongo/protocol/wire.ts';
import { insert, remove, update } from './write-commands.ts';

/** Runs the find that is the argument of `explain`. */
const explain: CommandKind = {
  options: ['verbosity'],
  run(command, server) {
    const { body } = command.request;
    const inner = command.options.get('explain')!;
    if (inner.type !== kind.object) throw new MongoFailure(14, 'explain needs a command');
    const db = command.options.get('$db');
    const database = db === undefined ? [] : [body.subarray(db.element, db.end)];
    const request = {
      ...command.request,
      body: fromElements([body.subarray(inner.at + 4, inner.end - 1), ...database]),
    };
    const explained = parseCommand(request);
    if (explained.name !== 'find') throw new MongoFailure(238, `explain of ${explained.name} is not supported`);
    checkOptions(explained, known.get('find')!);
    return explainFind(explained, server);
  },
};

const kinds: Readonly<Record<string, CommandKind>> = {
  hello,
  isMaster: hello,
  ismaster: hello,
  ping,
  buildInfo,
  buildinfo: buildInfo,
  connectionStatus,
  getParameter,
  endSessions,
  listDatabases,
  listCollections,
  create,
  drop,
  dropDatabase,
  createIndexes,
  listIndexes,
  dropIndexes,
  insert,
  update,
  delete: remove,
  findAndModify,
  findandmodify: findAndModify,
  find,
  getMore,
  killCursors,
  count,
  distinct,
  aggregate,
  explain,
};
const known = new Map(Object.entries(kinds).map(([name, { options }]) => [name, new Set(options)]));

/** Executes one request; refusals are thrown as `MongoFailure`. */
export function execute(request: Request, server: Server): Doc | Buffer {
  const command = parseCommand(request);
  const run = Object.hasOwn(kinds, command.name) ? kinds[command.name] : undefined;
  if (run === undefined) throw new MongoFailure(59, `no such command: '${command.name}'`);
  checkOptions(command, known.get(command.name)!);
  return run.run(command, server);
}
