import { type CommandKind, option } from './command.ts';
import { MongoFailure } from '#local/mongo/protocol/failure.ts';
import { maxMessageBytes } from '#local/mongo/protocol/wire.ts';
import { maxDocumentBytes } from '#local/mongo/update/update.ts';

/** The server version whose behaviour is followed; wire version 21 is that of MongoDB 7.0. */
const version = '7.0.0';
const maxWireVersion = 21;

/** A standalone: drivers then neither retry writes nor offer transactions and change streams. */
export const hello: CommandKind = {
  options: [
    'helloOk',
    'client',
    'compression',
    'saslSupportedMechs',
    'speculativeAuthenticate',
    'topologyVersion',
    'maxAwaitTimeMS',
    'loadBalanced',
    'backpressure',
    'hostInfo',
  ],
  run({ name }, { clock }) {
    return {
      helloOk: true,
      [name === 'hello' ? 'isWritablePrimary' : 'ismaster']: true,
      maxBsonObjectSize: maxDocumentBytes,
      maxMessageSizeBytes: maxMessageBytes,
      maxWriteBatchSize: 100_000,
      localTime: new Date(clock.now()),
      logicalSessionTimeoutMinutes: 30,
      connectionId: 1,
      minWireVersion: 0,
      maxWireVersion,
      readOnly: false,
      ok: 1,
    };
  },
};

export const ping: CommandKind = { options: [], run: () => ({ ok: 1 }) };

export const endSessions: CommandKind = { options: [], run: () => ({ ok: 1 }) };

export const buildInfo: CommandKind = {
  options: [],
  run: () => ({
    version,
    versionArray: [...version.split('.').map(Number), 0],
    gitVersion: 'switchyard-embedded',
    modules: [],
    bits: 64,
    debug: false,
    maxBsonObjectSize: maxDocumentBytes,
    storageEngines: ['sqlite'],
    ok: 1,
  }),
};

export const connectionStatus: CommandKind = {
  options: ['showPrivileges'],
  run: () => ({ authInfo: { authenticatedUsers: [], authenticatedUserRoles: [] }, ok: 1 }),
};

export const getParameter: CommandKind = {
  options: ['featureCompatibilityVersion'],
  run(command) {
    if (option(command, 'featureCompatibilityVersion') === undefined) throw new MongoFailure(72, 'no such parameter');
    return { featureCompatibilityVersion: { version: '7.0' }, ok: 1 };
  },
};
