export default {
  files: ['test/**/*.test.ts'],
  extensions: { ts: 'module' },
  timeout: '10m',
  concurrency: 2,
  workerThreads: false,
};
