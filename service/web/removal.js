// SPDX-License-Identifier: LGPL-2.1-or-later
// Takes photos off the page, and for a while back onto it.

import { t } from './i18n.js';
import * as store from './store.js';
import { toast } from './toast.js';

export class Removal {
  /** `list` has takeOut(photo), putBack(photo), arrange() and changed(). */
  constructor(list) {
    this.list = list;
  }

  remove(photos) {
    if (photos.length === 0) return;
    const focused = photos.some((photo) => photo.card.element.contains(document.activeElement));
    for (const photo of photos) {
      store.forget(photo.record.key);
      this.list.takeOut(photo);
      photo.card.element.remove();
    }
    if (focused) (document.querySelector('#results .card') ?? document.getElementById('drop')).focus();
    this.list.changed();
    toast(t('removed', { count: photos.length }), {
      undo: () => this.putBack(photos),
      settle: () => this.settle(photos),
    });
  }

  putBack(photos) {
    for (const photo of photos) {
      store.save(photo.record);
      this.list.putBack(photo);
    }
    this.list.arrange();
    this.list.changed();
  }

  async settle(photos) {
    for (const photo of photos) {
      if (photo.active) photo.cancel();
      photo.card.discard();
      await store.dropPhoto(photo.record.key);
    }
    this.list.changed();
  }
}
