// SPDX-License-Identifier: LGPL-2.1-or-later
// The page's words in English and Chinese. t('key', {name: value}) fills {name}.

const words = {
  en: {
    skip: 'Skip to the upload',
    title: 'Your photo, drawn as anime',
    lead: 'Drop a photo. It is painted on this server and forgotten soon after.',
    drop: 'Drop photos here, or paste one',
    choose: 'Choose photos',
    camera: 'Take a photo',
    limits: 'JPEG, PNG or WebP up to {bytes}. Larger photos are scaled down here, before they are sent.',
    style: 'Style',
    strength: 'Strength',
    faces: 'Paint small faces finely',
    results: 'Pictures',
    clear: 'Clear the list',
    licence: 'The embedded style was distilled from AnimeGANv2 weights that allow non-commercial use only.',
    api: 'API description',
    before: 'Photo',
    after: 'Anime',
    slider: 'Compare {name}: left the photo, right the picture',
    waiting: 'Waiting for the photos before it…',
    preparing: 'Getting the photo ready…',
    uploading: 'Sending… {percent} %',
    queued: 'Waiting, {ahead} before it',
    queuedNext: 'Waiting, next in line',
    stage: {
      queue: 'Starting…',
      decode: 'Reading the photo…',
      faces: 'Looking for faces…',
      paint: 'Painting…',
      encode: 'Saving the picture…',
      done: 'Almost there…',
    },
    succeeded: 'Done',
    failed: 'That did not work',
    cancelled: 'Cancelled',
    download: 'Download',
    retry: 'Try again',
    cancel: 'Cancel',
    remove: 'Remove',
    scaled: 'scaled from {from} to {to} before sending',
    size: '{width} × {height}',
    foundFaces: 'faces: {count}',
    took: '{seconds} s',
    sent: '{bytes} sent',
    fromCache: 'painted before',
    notImages: 'There was no photo in what you dropped. Drop a JPEG, PNG or WebP file.',
    tooMany: 'That is more than {limit} photos at once. The first {limit} were taken.',
    offline: 'The server does not answer. Photos that are being painted go on; this page looks again by itself.',
    request: 'Request {id}',
    error: {
      'size-bytes': 'The file is too large: {actual}, the limit is {limit}. Save it smaller, or as JPEG.',
      'size-pixels': 'The picture has too many pixels. Scale it down and send it again.',
      'size-scans': 'This JPEG is built in an unusual way that is not accepted. Save it again as an ordinary JPEG.',
      'format-unsupported': 'This is not a photo in a format that is served here. Save it as JPEG, PNG or WebP.',
      'file-empty': 'The file is empty. Choose another one.',
      'image-empty': 'The file is empty. Choose another one.',
      'image-truncated': 'The file ends too early; part of it is missing. Copy or export it again.',
      'image-corrupt': 'The file is damaged and can’t be read. Export it again from the original.',
      'undecodable': 'This browser can’t open {type} files. Save the photo as JPEG and try again.',
      'rate': 'Too many photos in a short time. It goes on in {seconds} seconds.',
      'queue-full': 'Many people are painting just now. Trying again in {seconds} seconds.',
      'draining': 'The server is being restarted. Trying again in {seconds} seconds.',
      'memory': 'The server is short of memory. Trying again in {seconds} seconds.',
      'deadline': 'Painting took longer than allowed. Try a smaller photo.',
      'body-slow': 'Sending took too long. Check your connection and try again.',
      'job-not-found': 'The server no longer has this picture: results are kept for a while only. Send the photo again.',
      'result-expired': 'The server no longer has this picture: results are kept for a while only. Send the photo again.',
      'not-ready': 'The server is still starting. Trying again in {seconds} seconds.',
      'uploads-full': 'Many photos are arriving just now. Trying again in {seconds} seconds.',
      'network': 'The connection broke. Check it and try again.',
      'other': 'The server says: {detail}',
    },
  },
  zh: {
    skip: '跳到上传区',
    title: '把照片画成动漫',
    lead: '放入一张照片，由本服务器绘制，稍后即删除。',
    drop: '将照片拖到这里，或直接粘贴',
    choose: '选择照片',
    camera: '拍一张',
    limits: '支持 JPEG、PNG、WebP，最大 {bytes}。更大的照片会先在浏览器里缩小再发送。',
    style: '风格',
    strength: '强度',
    faces: '精细绘制小脸',
    results: '作品',
    clear: '清空列表',
    licence: '内置风格由仅限非商业用途的 AnimeGANv2 权重蒸馏而来。',
    api: '接口说明',
    before: '照片',
    after: '动漫',
    slider: '对比 {name}：左为照片，右为动漫',
    waiting: '等待前面的照片…',
    preparing: '正在准备照片…',
    uploading: '正在发送… {percent}%',
    queued: '排队中，前面还有 {ahead} 张',
    queuedNext: '排队中，下一张就是',
    stage: {
      queue: '即将开始…',
      decode: '正在读取照片…',
      faces: '正在查找人脸…',
      paint: '正在绘制…',
      encode: '正在保存作品…',
      done: '马上就好…',
    },
    succeeded: '完成',
    failed: '没有成功',
    cancelled: '已取消',
    download: '下载',
    retry: '重试',
    cancel: '取消',
    remove: '移除',
    scaled: '发送前由 {from} 缩小为 {to}',
    size: '{width} × {height}',
    foundFaces: '人脸：{count}',
    took: '{seconds} 秒',
    sent: '已发送 {bytes}',
    fromCache: '此前已绘制',
    notImages: '没有找到照片。请放入 JPEG、PNG 或 WebP 文件。',
    tooMany: '一次最多 {limit} 张，已取前 {limit} 张。',
    offline: '服务器没有回应。正在绘制的照片会继续，本页会自动重新连接。',
    request: '请求编号 {id}',
    error: {
      'size-bytes': '文件太大：{actual}，上限为 {limit}。请缩小或另存为 JPEG。',
      'size-pixels': '图片像素太多，请缩小后再发送。',
      'size-scans': '这个 JPEG 的结构异常，不予接受。请另存为普通 JPEG。',
      'format-unsupported': '这不是本站支持的照片格式。请另存为 JPEG、PNG 或 WebP。',
      'file-empty': '文件是空的，请另选一张。',
      'image-empty': '文件是空的，请另选一张。',
      'image-truncated': '文件不完整，缺少一部分。请重新复制或导出。',
      'image-corrupt': '文件已损坏，无法读取。请从原图重新导出。',
      'undecodable': '此浏览器无法打开 {type} 文件。请存为 JPEG 后重试。',
      'rate': '短时间内照片太多，{seconds} 秒后继续。',
      'queue-full': '现在使用的人很多，{seconds} 秒后自动重试。',
      'draining': '服务器正在重启，{seconds} 秒后自动重试。',
      'memory': '服务器内存不足，{seconds} 秒后自动重试。',
      'deadline': '绘制超时，请换一张小一些的照片。',
      'body-slow': '发送太慢已超时，请检查网络后重试。',
      'job-not-found': '服务器上已没有这张作品（结果只保留一段时间），请重新发送。',
      'result-expired': '服务器上已没有这张作品（结果只保留一段时间），请重新发送。',
      'not-ready': '服务器正在启动，{seconds} 秒后自动重试。',
      'uploads-full': '正在接收的照片很多，{seconds} 秒后自动重试。',
      'network': '连接中断，请检查网络后重试。',
      'other': '服务器返回：{detail}',
    },
  },
};

const key = 'gst-anime.language';
let language = localStorage.getItem(key) ?? (navigator.language.startsWith('zh') ? 'zh' : 'en');
if (!(language in words)) language = 'en';

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');

/** The sentence for `name` ('title', 'error.size-bytes') in the language in use. */
export function t(name, values = {}) {
  let entry = words[language];
  for (const part of name.split('.')) entry = entry?.[part];
  return fill(entry ?? name, values);
}

/** Is there a sentence of its own for this error code? */
export const knowsError = (code) => code in words.en.error;

export const currentLanguage = () => language;

export function setLanguage(next) {
  language = next;
  localStorage.setItem(key, next);
}

/** Puts the words of the language in use into every element with data-i18n. */
export function translatePage() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  for (const element of document.querySelectorAll('[data-i18n]')) element.textContent = t(element.dataset.i18n);
  for (const button of document.querySelectorAll('[data-lang]')) {
    button.setAttribute('aria-pressed', String(button.dataset.lang === language));
  }
}

export function formatBytes(bytes) {
  const mebi = bytes / (1024 * 1024);
  if (mebi >= 1) return `${new Intl.NumberFormat(language, { maximumFractionDigits: 1 }).format(mebi)} MiB`;
  return `${Math.max(1, Math.round(bytes / 1024))} KiB`;
}
