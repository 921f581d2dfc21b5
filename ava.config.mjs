export default {
  files: ['test/**/*.test.ts'],
  extensions: { ts: 'module' },
  timeout: '20m',
  concurrency: 2,
  workerThreads: false,
};
