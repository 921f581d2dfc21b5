import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Trouble } from './trouble.ts';
import { withLock } from './lock.ts';

const run = promisify(execFile);
const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_TEXT = '#!/bin/sh\n# switchyard: while rabbitmq-server is installed, no service may start\nexit 101\n';

/** True when this process may install Debian packages. */
export function canInstall(): boolean {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get');
}

/**
 * Installs Debian's or Ubuntu's rabbitmq-server without starting its service or epmd's: a temporary policy forbids it
 * (`invoke-rc.d`, `deb-systemd-invoke`), and where systemd runs the units are disabled, since nobody asked for them.
 */
export async function installRabbit(lockDir: string, say: (text: string) => void): Promise<void> {
  await withLock(lockDir, async () => {
    if (existsSync('/usr/sbin/rabbitmq-server')) return;
    say('Installing rabbitmq-server with apt-get (only the first time, under a minute) ...');
    const forbidden = forbidServices();
    try {
      await apt(['update', '-qq']).catch(() => {}); // the lists at hand may do
      await apt(['install', '-y', '-qq', '--no-install-recommends', 'rabbitmq-server']);
      if (existsSync('/run/systemd/system')) {
        await run('systemctl', ['disable', '--now', 'rabbitmq-server.service', 'epmd.socket', 'epmd.service']).catch(
          () => {},
        ); // not enabled
      }
    } catch (error) {
      const output = (error as { stderr?: string }).stderr?.trim().split('\n').slice(-3).join(' ') ?? String(error);
      throw new Trouble(
        `apt-get could not install rabbitmq-server (${output}); install RabbitMQ 3.10 or newer, or start Docker, and run the command again.`,
      );
    } finally {
      if (forbidden) rmSync(POLICY, { force: true });
    }
  });
}

/** True when the policy is ours and is to be removed; one that an administrator put there stays and is obeyed. */
function forbidServices(): boolean {
  if (existsSync(POLICY) && readFileSync(POLICY, 'utf8') !== POLICY_TEXT) return false;
  writeFileSync(POLICY, POLICY_TEXT, { mode: 0o755 });
  return true;
}

async function apt(args: readonly string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'l' };
  await run('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...args], { env, maxBuffer: 64 * 1024 * 1024 });
}
